/** Two environments on the same accounts of the same providers: neither ever touches what is the other's, whatever it is told. */
import { ReconcileReport } from '@convos/pool/contract'
import { databaseName, eventually, setClockOffset } from '@convos/sandbox/testing'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { problemCode } from './support/pool.ts'
import { leaveStrayKey } from './support/stray.ts'
import { atRest, type Environment, heldAs, query, SHOWN, useWorld } from './support/world.ts'

const IDLE = 2
const TOOLS = ['email', 'sms', 'crypto']
/** Longer than a stray must have been there before it is destroyed, and seen. */
const OLD_MS = 16 * 60_000

const world = useWorld()
let dev: Environment
let staging: Environment

const warm = ({ api, name }: Environment) =>
  eventually(`${name} is warm`, async () => (await api.counts()).idle === IDLE, { timeoutMs: 30_000 })

const rows = ({ databases }: Environment) =>
  query<{ id: string; status: string }>(databases.pool, 'select id, status, claim_id, touched_at from instances order by id')

/** Ids of everything that it ever had. */
const everOf = async ({ databases }: Environment) =>
  (await query<{ id: string }>(databases.services, 'select instance_id as id from instance_infra')).map(({ id }) => id)

async function claimAll({ api }: Environment): Promise<string[]> {
  const template = await api.call('POST', '/api/templates', {
    agentName: 'Clerk',
    instructions: 'You keep the books.',
    tools: TOOLS.map((id) => ({ id, provisioning: 'pool' })),
  })
  const { id: templateId } = z.object({ id: z.string() }).parse(template.body)
  const answers = await Promise.all(Array.from({ length: IDLE }, () => api.claim({ templateId })))
  for (const { status, body } of answers) expect(status, JSON.stringify(body)).toBe(200)
  return answers.map((answer) => api.claimed(answer).instanceId ?? '')
}

async function done({ api }: Environment, method: string, path: string, body?: unknown) {
  const asked = await api.call(method, path, body)
  expect(asked.status, JSON.stringify(asked.body)).toBe(202)
  const { id } = api.operation(asked)
  return eventually(`${method} ${path} is done`, async () => {
    const operation = api.operation(await api.call('GET', `/api/pool/operations/${id}`))
    return operation.state === 'running' ? null : operation
  })
}

const reconcile = async (env: Environment, adopt: string[]) => {
  const { state, report, items } = await done(env, 'POST', '/api/pool/reconcile', { dryRun: false, adopt })
  expect(state, JSON.stringify(items)).toBe('done')
  return ReconcileReport.parse(report)
}

/** With the reason: where it is another one, that is what the failure is about. */
const said = (p: { instanceId: string | null; action: string; reason: string }) => [p.instanceId, p.action, p.reason]

const markerOf = async ({ databases, name }: Environment, instanceId: string) => {
  const [meta] = await query<{ id: string }>(databases.services, 'select deployment_id as id from meta')
  return `convos:${meta?.id}:${name}:${instanceId}`
}

/** A quarter of an hour goes by for both of its services. */
async function growOld({ databases, pool, services }: Environment): Promise<void> {
  for (const url of Object.values(databases)) await setClockOffset(world.admin, databaseName(url), OLD_MS)
  // that cut their connections, and a call would fail that meets one of those
  for (const { url } of [pool, services]) await eventually('new connections', async () => (await fetch(`${url}/readyz`)).ok)
}

let claimed: { dev: string[]; staging: string[] }
beforeAll(async () => {
  ;[dev, staging] = await Promise.all([world.start('dev', IDLE), world.start('staging', IDLE)])
  await Promise.all([warm(dev), warm(staging)])
  const [ofDev, ofStaging] = await Promise.all([claimAll(dev), claimAll(staging)])
  claimed = { dev: ofDev, staging: ofStaging }
  await Promise.all([warm(dev), warm(staging)])
  await leaveStrayKey(world, await markerOf(dev, ofDev[1] ?? ''))
  await leaveStrayKey(world, await markerOf(staging, ofStaging[1] ?? ''))
}, 60_000)

test.each(['dev', 'staging'] as const)(
  '%s ends all it may, and is told to take over the other’s: everything of the other stays as it is, whose services is down',
  async (name) => {
    const [ours, theirs] = name === 'dev' ? [dev, staging] : [staging, dev]
    const [killed, kept] = claimed[name]
    await theirs.services.stop()
    const foreign = await everOf(theirs)
    const before = [await world.holdings(foreign), await rows(theirs)]
    expect(Object.keys(before[0] ?? {})).toEqual(expect.arrayContaining(Object.keys(SHOWN)))

    await done(ours, 'DELETE', `/api/pool/instances/${killed}`)
    await done(ours, 'POST', '/api/pool/drain', { all: true })
    await reconcile(ours, foreign)
    await atRest(ours, kept ?? '')
    await growOld(ours)
    const { adopted, findings } = await reconcile(ours, foreign)

    expect(adopted.map(said)).toEqual(foreign.map((id) => [id, 'refuse', expect.any(String)]))
    // the same pass destroys the stray that is its own
    const others = findings.filter(({ kind }) => kind !== 'adopted')
    expect(others.map(said)).toEqual([[kept, 'destroy', expect.stringMatching(/^a left-over/)]])
    expect([await world.holdings(foreign), await rows(theirs)]).toEqual(before)
    await theirs.services.start()
    await Promise.all([warm(ours), warm(theirs)])
  },
)

test.each(['dev', 'staging'] as const)(
  'the ledger of %s names what the providers hold for it, and nothing else',
  async (name) => {
    const env = name === 'dev' ? dev : staging
    const { ledger } = env
    await eventually('they agree', async () => {
      expect(heldAs(await world.holdings(await everOf(env)))).toEqual(await ledger())
      return true
    })
    expect(Object.keys(await ledger()).toSorted()).toEqual(Object.values(SHOWN).toSorted())
  },
)

test('a services or a pool refuses to start on the other environment’s database', async () => {
  const before = await rows(dev)
  const parts = ['services', 'pool'] as const
  const ends = await Promise.all(
    parts.map((part) =>
      staging[part].run('src/index.ts', [], { DATABASE_URL: dev.databases[part], PORT: '0', PUBLIC_PORT: '0' }),
    ),
  )
  for (const { code, output } of ends) {
    expect(code).toBe(1)
    expect(output).toContain(String.raw`belongs to environment \"dev\", not to \"staging\"`)
  }
  expect(await rows(dev)).toEqual(before)
})

test('a pool on the other environment’s services is refused there: it gives no box away, and nothing of either is touched', async () => {
  const seen = async () => [await rows(staging), await world.holdings([...(await everOf(dev)), ...(await everOf(staging))])]
  const [before, own] = [await seen(), await rows(dev)]
  await dev.pool.stop()
  await dev.pool.start({ SERVICES_URL: staging.services.url, SERVICES_API_KEY: staging.services.apiKey })
  const answer = await dev.api.claim({ agentName: 'Lost' })
  expect([answer.status, problemCode(answer)]).toEqual([503, 'SERVICES_UNAVAILABLE'])
  expect((await fetch(`${dev.pool.url}/readyz`)).status).toBe(503)
  await eventually('it is said why', async () => (await dev.pool.log()).includes('ENVIRONMENT_MISMATCH'))
  expect(await seen()).toEqual(before)
  // what the refill noted meanwhile waits for its own services
  expect((await rows(dev)).filter(({ status }) => status !== 'starting')).toEqual(own)
})
