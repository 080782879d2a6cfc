/** Databases that are gone, with or without a backup, over a world that goes on: nobody gets another's agent, and nothing is destroyed for it. */
import { copyDatabase, eventually } from '@convos/sandbox/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atRest, type Environment, query, useWorld } from './support/world.ts'

const IDLE = 2
const Finding = z.object({
  provider: z.string(),
  instanceId: z.string().nullable(),
  kind: z.string(),
  action: z.string(),
  reason: z.string(),
})
const ReconcileReply = z.object({ findings: z.array(Finding) })
const InstancesReply = z.object({ instances: z.array(z.object({ instanceId: z.string() })) })
const world = useWorld()

interface Agent {
  claimId: string
  instanceId: string
  conversationId: string | null
}

/** What is to be kept is there, and nothing more is being made. */
const ready = async ({ databases }: Environment) =>
  eventually(
    'it is warm',
    async () => {
      const [stock] = await query<{ ready: number; starting: number }>(
        databases.pool,
        `select count(*) filter (where status = 'ready')::int as ready, count(*) filter (where status = 'starting')::int as starting
          from instances`,
      )
      return stock && stock.ready >= IDLE && stock.starting === 0
    },
    { timeoutMs: 30_000 },
  )

/** Claims agents, each by a name of its own, and waits until their projects bear it. */
async function claimAgents(env: Environment, names: string[]): Promise<Agent[]> {
  const agents: Agent[] = []
  for (const agentName of names) {
    const answer = await env.api.claim({ agentName, waitMs: 30_000 })
    expect(answer.status).toBe(200)
    const { claimId, instanceId, conversationId } = env.api.claimed(answer)
    await atRest(env, instanceId ?? '')
    agents.push({ claimId, instanceId: instanceId ?? '', conversationId })
  }
  return agents
}

const emptyDatabase = async (env: Environment, part: 'pool' | 'services') => {
  const url = await world.newDatabase()
  const { code } = await env[part].run('src/db/migrate.ts', [], { DATABASE_URL: url })
  expect(code).toBe(0)
  return url
}

const asPool = ({ services }: Environment) => ({
  authorization: `Bearer ${services.apiKey}`,
  'x-environment': 'dev',
  'content-type': 'application/json',
})
const reconcile = async (env: Environment, body: unknown) => {
  const res = await fetch(`${env.services.url}/reconcile`, { method: 'POST', headers: asPool(env), body: JSON.stringify(body) })
  expect(res.status).toBe(200)
  return ReconcileReply.parse(await res.json())
}
const statusIs = (env: Environment, { instanceId }: Agent, status: string) =>
  eventually(
    `${instanceId} is ${status}`,
    async () => {
      const answer = await env.api.call('GET', `/api/pool/instances/${instanceId}`)
      return answer.status === 200 && z.object({ status: z.string() }).parse(answer.body).status === status
    },
    { timeoutMs: 30_000 },
  )
const faultsOf = async (env: Environment, part: 'pool' | 'services', url: string) => {
  const { output } = await env[part].run('src/cli/doctor.ts', ['--json'], { DATABASE_URL: url })
  const findings = z.array(z.looseObject({ level: z.string() })).parse((JSON.parse(output) as { findings: unknown }).findings)
  return findings.filter(({ level }) => level === 'fault')
}

describe('the database of pool is lost, without a backup', () => {
  let env: Environment
  let agents: Agent[]
  let before: unknown
  let warm: string[]
  const theirs = () => world.holdings(agents.map(({ instanceId }) => instanceId))
  beforeAll(async () => {
    env = await world.start('dev', IDLE)
    await ready(env)
    agents = await claimAgents(env, ['Tokyo guide', 'Book keeper'])
    await ready(env)
    await env.pool.stop()
    before = await theirs()
    const rows = await query<{ id: string }>(env.databases.pool, `select id from instances where status = 'ready'`)
    warm = rows.map(({ id }) => id)
  }, 60_000)

  test('a pool on a new one hands out none of what there was, and destroys nothing of it', async () => {
    env.databases.pool = await emptyDatabase(env, 'pool')
    await env.pool.start({ DATABASE_URL: env.databases.pool, TICK_INTERVAL_MS: '500' })
    await ready(env)
    const claims = await claimAgents(env, ['New', 'Newer', 'Newest'])
    const taken = claims.map(({ instanceId }) => instanceId)
    expect(taken.filter((id) => warm.includes(id) || agents.some((agent) => agent.instanceId === id))).toEqual([])
    expect(await theirs()).toEqual(before)
    expect((await world.holdings(warm))['railway.projects']).toHaveLength(IDLE)
    for (const agent of agents) expect((await env.api.call('GET', `/api/pool/instances/${agent.instanceId}`)).status).toBe(404)
  })

  test('pool:db:enrich brings agents back as those of their claims, and what is nobody’s into the stock', async () => {
    const url = { DATABASE_URL: env.databases.pool }
    const dry = await env.pool.run('src/cli/enrich.ts', ['--json'], url)
    expect([dry.code, JSON.parse(dry.output)]).toMatchObject([0, { dryRun: true }])
    expect((await env.api.call('GET', `/api/pool/instances/${agents[0]?.instanceId}`)).status).toBe(404)
    const { code, output } = await env.pool.run('src/cli/enrich.ts', ['--apply'], url)
    expect([code, output]).toEqual([0, expect.stringContaining('4 rows that were lost')])
    for (const [n, agent] of agents.entries()) {
      await statusIs(env, agent, 'claimed')
      const shown = await env.api.instance(agent.instanceId)
      expect(shown).toMatchObject({ conversationId: agent.conversationId, agentName: ['tokyo-guide', 'book-keeper'][n] })
    }
    for (const id of warm) await statusIs(env, { claimId: '', instanceId: id, conversationId: null }, 'ready')
    expect((await env.pool.run('src/cli/enrich.ts', ['--apply'], url)).output).toContain('0 rows that were lost, 0 owners')
    // what is ready again is handed out once, to whoever asks now; the agents of before stay whose they are
    const claims = await claimAgents(env, ['A', 'B', 'C', 'D'])
    expect(new Set(claims.map(({ instanceId }) => instanceId)).size).toBe(4)
    expect(claims.filter(({ instanceId }) => agents.some((agent) => agent.instanceId === instanceId))).toEqual([])
    expect(await theirs()).toEqual(before)
  })
})

describe('the database of services is lost, without a backup', () => {
  let env: Environment
  let agents: Agent[]
  let before: unknown
  let deployment: string
  const theirs = () => world.holdings(agents.map(({ instanceId }) => instanceId))
  beforeAll(async () => {
    env = await world.start('dev', IDLE)
    await ready(env)
    agents = await claimAgents(env, ['Tokyo guide'])
    await ready(env)
    before = await theirs()
    const [meta] = await query<{ id: string }>(env.databases.services, 'select deployment_id as id from meta')
    deployment = meta?.id ?? ''
    await env.services.stop()
  }, 60_000)

  test('a services on a new one, with a pool that knows nothing of it: agents are kept as crashed, new ones are made, nothing is destroyed', async () => {
    env.databases.services = await emptyDatabase(env, 'services')
    await env.services.start({ DATABASE_URL: env.databases.services })
    for (const agent of agents) await statusIs(env, agent, 'crashed')
    expect(await claimAgents(env, ['New'])).toHaveLength(1)
    expect(await theirs()).toEqual(before)
  })

  test('it is not taken for another deployment’s by itself; reattach says whose there are, and takes the id once nothing was made', async () => {
    await env.pool.stop()
    await env.services.stop()
    const listed = await env.services.run('src/cli.ts', ['reattach'], { DATABASE_URL: env.databases.services })
    expect(listed.output).toMatch(new RegExp(`${deployment} {2}\\d+ instances\n`))
    const used = await env.services.run('src/cli.ts', ['reattach', deployment, '--yes', '--force'], {
      DATABASE_URL: env.databases.services,
    })
    expect([used.code, used.output]).toEqual([1, expect.stringContaining('instances itself')])

    env.databases.services = await emptyDatabase(env, 'services')
    const unknown = await env.services.run('src/cli.ts', ['reattach', 'deadbeef', '--yes'], {
      DATABASE_URL: env.databases.services,
    })
    expect(unknown.code).toBe(1)
    const { code, output } = await env.services.run('src/cli.ts', ['reattach', deployment, '--yes'], {
      DATABASE_URL: env.databases.services,
    })
    expect([code, output]).toEqual([0, expect.stringContaining(`deployment ${deployment} now`)])
  })

  test('reconcile reports the unknown instances and adopts them; pool has its agents back', async () => {
    await env.services.start({ DATABASE_URL: env.databases.services })
    const [agent] = agents
    const { findings } = await reconcile(env, { dryRun: true })
    expect(findings).toContainEqual(
      expect.objectContaining({ provider: 'railway', instanceId: agent?.instanceId, kind: 'orphan', action: 'report' }),
    )
    expect(await theirs()).toEqual(before)
    const ids = [
      ...new Set(findings.flatMap(({ provider, instanceId }) => (provider === 'railway' && instanceId ? [instanceId] : []))),
    ]
    const adopted = await reconcile(env, { dryRun: false, adopt: ids })
    const said = adopted.findings.filter(({ kind }) => kind === 'adopted')
    expect(
      said.map(({ action }) => action),
      JSON.stringify(said),
    ).toEqual(ids.map(() => 'adopt'))
    const list = InstancesReply.parse(await (await fetch(`${env.services.url}/instances`, { headers: asPool(env) })).json())
    expect(list.instances.map(({ instanceId }) => instanceId)).toEqual(ids.toSorted())

    await env.pool.start()
    for (const each of agents) await statusIs(env, each, 'claimed')
    expect(await theirs()).toEqual(before)
  })
})

describe('both are restored from a backup of one moment into new databases', () => {
  test('nothing is wrong with them, the agents are there, and claims are served', async () => {
    const env = await world.start('dev', IDLE)
    await ready(env)
    const agents = await claimAgents(env, ['Tokyo guide'])
    await ready(env)
    const before = await world.holdings(agents.map(({ instanceId }) => instanceId))
    await env.pool.stop()
    await env.services.stop()
    const copies = {
      pool: await copyDatabase(world.admin, env.databases.pool),
      services: await copyDatabase(world.admin, env.databases.services),
    }
    Object.values(copies).forEach(world.keep)

    await env.services.start({ DATABASE_URL: copies.services.url })
    const { code } = await env.pool.run('src/cli/after-restore.ts', ['--yes'], { DATABASE_URL: copies.pool.url })
    expect(code).toBe(0)
    await env.pool.start({ DATABASE_URL: copies.pool.url })
    expect(await faultsOf(env, 'services', copies.services.url)).toEqual([])
    expect(await faultsOf(env, 'pool', copies.pool.url)).toEqual([])
    const [claim] = await claimAgents(env, ['New'])
    expect(agents.map(({ instanceId }) => instanceId)).not.toContain(claim?.instanceId)
    for (const agent of agents) expect((await env.api.instance(agent.instanceId)).status).toBe('claimed')
    expect(await world.holdings(agents.map(({ instanceId }) => instanceId))).toEqual(before)
    const { code: enriched, output } = await env.pool.run('src/cli/enrich.ts', [], { DATABASE_URL: copies.pool.url })
    expect([enriched, output]).toEqual([0, expect.stringContaining('0 rows that were lost, 0 owners')])
  })
})
