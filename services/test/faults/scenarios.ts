import { setTimeout as delay } from 'node:timers/promises'
import type { World } from './world.ts'

/** What pool asks of services about one instance, each with as many repeats as it takes: pool repeats what is safe to repeat. */
export interface Scenario {
  name: string
  /** The steps that it takes, as the log calls them; a test checks that each of them was taken. */
  steps: RegExp[]
  run(world: World, instanceId: string): Promise<void>
}

const DEADLINE_MS = 200_000
const EVERY_MS = 50

async function until(what: string, attempt: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  while (!(await attempt())) {
    if (Date.now() > deadline) throw new Error(`not in ${DEADLINE_MS} ms: ${what}`)
    await delay(EVERY_MS)
  }
}

type Detail = {
  state: string
  image: string | null
  tools: { toolId: string; state: string }[]
  health: { binding: string } | null
}

async function detail(world: World, id: string): Promise<Detail | null> {
  const answer = await world.ask('POST', '/status/batch', { instanceIds: [id], detail: true })
  return answer?.status === 200 ? ((answer.body as Record<string, Detail>)[id] ?? null) : null
}

const provision = (toolId: string, steps: RegExp[]): Scenario => ({
  name: `provision ${toolId}`,
  steps,
  run: (world, id) =>
    until(`${id} has ${toolId}`, async () => {
      const answer = await world.ask('POST', `/provision/${id}/${toolId}`, {})
      return answer?.status === 200 && (answer.body as { state: string }).state === 'active'
    }),
})

const claimOf = (id: string) => `claim-${id}`

/** In the order of a life; every one leaves the instance where the next finds it. */
export const LIFE: Scenario[] = [
  {
    name: 'create',
    steps: [/^project$/, /^service$/, /^volume$/, /^domain$/, /^openrouter$/, /^wallet$/, /^patch$/, /^deployment$/],
    async run(world, id) {
      await until(`${id} is accepted`, async () => {
        const answer = await world.ask('POST', '/create-instance', { instanceId: id })
        return answer?.status === 202 || answer?.status === 201
      })
      await until(`${id} is healthy`, async () => (await detail(world, id))?.state === 'healthy')
    },
  },
  provision('email', [/^email$/, /^email\.key$/]),
  provision('sms', [/^sms$/]),
  provision('crypto', [/^crypto$/]),
  {
    name: 'configure',
    steps: [],
    async run(world, id) {
      const body = {
        claimId: claimOf(id),
        agentName: 'Matrix',
        instructions: 'Go on.',
        model: null,
        owner: null,
        templateId: null,
        allowedTools: [],
      }
      await until(`${id} is configured`, async () => (await world.ask('POST', `/configure/${id}`, body))?.status === 200)
      await until(`${id} has everything`, async () => {
        const { rows } = await world.db
          .query<{ open: boolean }>(
            `select exists (select from instance_services where instance_id = $1 and tool_id in ('email', 'sms', 'crypto') and not delivered)
               or (select project_name <> wanted_name from instance_infra where instance_id = $1) as open`,
            [id],
          )
          .catch(() => ({ rows: [{ open: true }] }))
        return rows[0]?.open === false
      })
    },
  },
  {
    name: 'redeploy',
    steps: [/^patch@2$/, /^deployment@2$/, /^risen@2$/],
    async run(world, id) {
      const { image } = (await detail(world, id)) ?? { image: null }
      const wanted = `${(image ?? '').split('@')[0]}@sha256:${'b'.repeat(64)}`
      await until(
        `${id} is on its way`,
        async () => (await world.ask('POST', `/redeploy/${id}`, { image: wanted }))?.status === 200,
      )
      await until(`${id} is on its new image`, async () => {
        const now = await detail(world, id)
        return now?.state === 'healthy' && now.image === wanted && now.health?.binding === 'active'
      })
    },
  },
  {
    name: 'destroy a tool',
    steps: [/^email$/, /^email\.key$/],
    async run(world, id) {
      const { rows } = await world.db.query<{ resource_id: string }>(
        `select resource_id from instance_services where instance_id = $1 and tool_id = 'email' and position = 0`,
        [id],
      )
      const resource = encodeURIComponent(rows[0]?.resource_id ?? '')
      await until(
        `${id} has no mail`,
        async () => (await world.ask('DELETE', `/destroy/${id}/email/${resource}`))?.status === 200,
      )
    },
  },
  {
    name: 'cancel',
    steps: [],
    run: (world, id) =>
      until(`${id} is cancelled`, async () => {
        const answer = await world.ask('POST', `/cancel/${id}`, { claimId: claimOf(id) })
        return answer?.status === 200 && !(answer.body as { joined: boolean }).joined
      }),
  },
  {
    name: 'destroy',
    steps: [/^sms$/, /^crypto$/, /^openrouter$/, /^project$/],
    run: (world, id) => until(`${id} is destroyed`, async () => (await world.ask('DELETE', `/destroy/${id}`))?.status === 200),
  },
]
