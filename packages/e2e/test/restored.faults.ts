/** An older copy of pool's database over a world that has gone on: what was claimed since is somebody's, whatever the copy says. */
import { copyDatabase, eventually } from '@convos/sandbox/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { problemCode } from './support/pool.ts'
import { type Environment, query, useWorld } from './support/world.ts'

const IDLE = 3
const HOLD_PROVISION = {
  provider: 'railway',
  match: { method: 'POST', path: '/pool/provision' },
  effect: { kind: 'instance', how: 'hang-after' },
}
const Deployed = z.object({ deployments: z.array(z.object({ domain: z.string(), variables: z.record(z.string(), z.string()) })) })
const Health = z.object({ binding: z.string(), claimId: z.string().nullable(), conversationId: z.string().nullable() })

const world = useWorld()
let env: Environment
/** Two copies of one moment: with one claim under way, and everybody else ready. */
let copies: Awaited<ReturnType<typeof copyDatabase>>[] = []
/** Of the newer world. */
let owners: { claimId: string; instanceId: string; conversationId: string }[] = []
let givenUp: (typeof owners)[number]
let underWay: (typeof owners)[number]
/** Ready by now, and younger than the copies. */
let younger: string[] = []

const ready = async (url: string) =>
  (await query<{ id: string }>(url, `select id from instances where status = 'ready' order by id`)).map(({ id }) => id)

const owner = (answer: Awaited<ReturnType<Environment['api']['claim']>>) => {
  expect(answer.status).toBe(200)
  const { claimId, instanceId, conversationId } = env.api.claimed(answer)
  return { claimId, instanceId: instanceId ?? '', conversationId: conversationId ?? '' }
}

const isWarm = (url = env.databases.pool) =>
  eventually('it is warm', async () => (await ready(url)).length === IDLE, { timeoutMs: 20_000 })

/** The box itself, asked as services would ask it. */
async function healthOf(instanceId: string) {
  const [project] = (await world.holdings([instanceId]))['railway.projects'] ?? []
  const [deployment] = Deployed.parse(project).deployments
  const res = await fetch(`http://${deployment?.domain}/pool/health`, {
    headers: { authorization: `Bearer ${deployment?.variables['INSTANCE_CONTROL_TOKEN']}` },
  })
  return Health.parse(await res.json())
}

beforeAll(async () => {
  env = await world.start('dev', IDLE)
  await isWarm()
  world.simulators.faults.add(HOLD_PROVISION)
  const claiming = env.api.claim({ agentName: 'Under way' })
  await eventually('a box is bound to it, and pool has not heard of that', async () =>
    (await query(env.databases.pool, `select from instances where status = 'claiming' and touched_at is not null`)).at(0),
  )
  await isWarm()
  const old = await ready(env.databases.pool)
  // it would connect again at once
  process.kill(env.pool.pid(), 'SIGSTOP')
  copies = [await copyDatabase(world.admin, env.databases.pool), await copyDatabase(world.admin, env.databases.pool)]
  copies.forEach(world.keep)
  process.kill(env.pool.pid(), 'SIGCONT')

  world.simulators.faults.clear()
  underWay = owner(await claiming)
  const claims = (await Promise.all(old.map(() => env.api.claim({ agentName: 'Since' })))).map(owner)
  expect(claims.map(({ instanceId }) => instanceId).toSorted()).toEqual(old)
  givenUp = claims.shift() ?? underWay
  owners = claims
  expect((await env.api.call('DELETE', `/api/pool/claims/${givenUp.claimId}`)).status).toBeLessThan(300)
  await eventually('nothing is left of what was given up', async () => {
    expect(await world.holdings([givenUp.instanceId])).toEqual({})
    return true
  })
  await isWarm()
  younger = await ready(env.databases.pool)
  await env.pool.stop()
}, 60_000)

describe.each([
  ['made safe by pool:db:after-restore', true],
  ['put in place as it is', false],
])('an older copy, %s', (_how, isMadeSafe) => {
  test('hands out none of what was claimed since, keeps it, and gives new claims other boxes', async () => {
    const { url } = copies.shift() ?? { url: '' }
    const before = await world.holdings([...owners, underWay].map(({ instanceId }) => instanceId))
    if (isMadeSafe) {
      const { code, output } = await env.pool.run('src/cli/after-restore.ts', ['--yes'], { DATABASE_URL: url })
      expect([code, output]).toEqual([0, expect.stringContaining(`${IDLE} ready instances have to prove themselves again`)])
    } else {
      // it is older than any lease lasts
      await query(url, `update claims set lease_until = clock_now() where state = 'running'`)
      await query(url, `update leases set until = clock_now()`)
    }
    await env.pool.start({ DATABASE_URL: url, TICK_INTERVAL_MS: '500' })
    const claims = await Promise.all(Array.from({ length: IDLE }, () => env.api.claim({ agentName: 'New', waitMs: 30_000 })))
    const taken = claims.map(owner).map(({ instanceId }) => instanceId)
    const theirs = [...owners, underWay, givenUp].map(({ instanceId }) => instanceId)
    expect(taken.filter((id) => theirs.includes(id) || younger.includes(id))).toEqual([])

    await eventually('the claim under way is done here as well', async () => {
      const { status } = await env.api.instance(underWay.instanceId)
      return status === 'claimed'
    })
    for (const { instanceId, claimId, conversationId } of owners) {
      const { events } = await eventually(`${instanceId} is known as another’s`, async () => {
        const shown = await env.api.instance(instanceId)
        return shown.status === 'crashed' ? shown : null
      })
      expect(events.map(({ type }) => type)).toContain('foreign_claim')
      expect(await healthOf(instanceId)).toEqual({ binding: 'active', claimId, conversationId })
    }
    await eventually('what had been given up has no row', async () => {
      const answer = await env.api.call('GET', `/api/pool/instances/${givenUp.instanceId}`)
      return answer.status === 404 && problemCode(answer)
    })
    await isWarm(url)
    expect(await world.holdings([...owners, underWay].map(({ instanceId }) => instanceId))).toEqual(before)
    // what is younger than the copy is unknown to it, and stays too
    expect((await world.holdings(younger))['railway.projects']).toHaveLength(IDLE)
    await env.pool.stop()
  })
})
