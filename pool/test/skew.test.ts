import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { startAnotherServices } from './another-services.ts'
import { readDescription } from './described.ts'
import { countRows, testPool, type TestPool, trustImage } from './harness.ts'
import { finished } from './operating.ts'

/** A pool whose services is of another version. */
async function poolBeside(change: Parameters<typeof startAnotherServices>[0]): Promise<TestPool> {
  const another = scoped(await startAnotherServices(change))
  const limits = { followEveryMs: 10, itemRetryMs: 10, readyPollMs: 50 }
  const pool = scoped(await testPool({ limits, env: { SERVICES_URL: another.url, TICK_INTERVAL_MS: '100' } }))
  another.target = pool.services.url
  return pool
}

const PROVIDER = {
  provider: 'openrouter',
  configured: true,
  health: 'ok',
  requests: 1,
  refused: 0,
  failed: 0,
  budget: null,
  left: null,
  windowStartedAt: null,
  blockedUntil: null,
  lastOkAt: null,
  lastError: null,
  lastErrorAt: null,
  creditRemaining: 7,
  creditAt: '2030-01-01T00:00:00.000Z',
} as const

const FINDING = {
  provider: 'railway',
  resourceId: 'project',
  instanceId: null,
  kind: 'orphan',
  action: 'report',
  reason: 'it has no ledger row',
  createdAt: null,
} as const

/** Refills, claims with a tool, redeploys, reconciles: everything that services is asked for in between is part of it. */
async function liveThrough(pool: TestPool): Promise<void> {
  pool.services.providers = [PROVIDER]
  await eventually('services to be there', async () => (await pool.call('GET', '/readyz')).status === 200)
  await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })
  await eventually('one to be ready', async () => (await countRows(pool.db, 'ready')) === 1)
  const template = { agentName: 'Planner', instructions: 'Plan.', tools: [{ id: 'email', provisioning: 'pool' }] }
  const { body: made } = await pool.call('POST', '/api/templates', { body: template })
  const claim = await pool.claim({ templateId: made['id'], waitMs: 1_000 })
  expect(claim).toMatchObject({ status: 200, body: { status: 'done', tools: [{ toolId: 'email', state: 'active' }] } })
  const instance = `/api/pool/instances/${String(claim.body['instanceId'])}`
  const redeploy = await pool.call('POST', `${instance}/redeploy`, { body: { force: true } })
  expect(await finished(pool, redeploy.body)).toMatchObject({ state: 'done', failed: 0 })
  pool.services.onReconcile = () => ({ findings: [FINDING] })
  const reconcile = await pool.call('POST', '/api/pool/reconcile', { body: {} })
  expect(await finished(pool, reconcile.body)).toMatchObject({ state: 'done', failed: 0 })
  for (const path of [`${instance}/logs`, `${instance}/tools/email`, `/api/pool/debug/${String(claim.body['instanceId'])}`])
    expect((await pool.call('GET', path)).status, path).toBe(200)
}

const failuresIn = (pool: TestPool) => pool.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)

/** What is in there is not said by services, but by a tool or an image; or its keys are names. */
const NOT_ITS_OWN = ['config', 'userConfig', 'sample', 'counts']

/** With a field more in every object; in a map, in every value. */
function grown(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((each) => grown(each))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, each]) => [name, NOT_ITS_OWN.includes(name) ? each : grown(each)])
  return { ...(Object.fromEntries(fields) as object), ...(isMap ? {} : { newer: { than: 'this pool' } }) }
}

const withoutCredit = (provider: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(provider).filter(([name]) => !name.startsWith('credit')))

describe('pool and services may differ by a version', () => {
  test('what a newer services says besides is not minded, and not passed on', async () => {
    const pool = await poolBeside((call, { status, body }) => ({ status, body: grown(body, call === 'POST /status/batch') }))
    await trustImage(pool)
    await liveThrough(pool)
    const { operations, faultsOfAnswer } = await readDescription(pool)
    for (const id of ['listTools', 'listProviders', 'getPoolStatus', 'listOperations', 'listActivity', 'listAgents']) {
      const operation = operations.find(({ operationId }) => operationId === id)
      if (!operation) throw new Error(`there is no ${id}`)
      const answer = await pool.call('GET', operation.path)
      expect(answer.text, id).not.toMatch(/"newer"/)
      expect(faultsOfAnswer(operation, answer), id).toEqual([])
    }
    expect(failuresIn(pool)).toEqual([])
  })

  test('what an older services does not say yet is not missed', async () => {
    const pool = await poolBeside((call, reply) => {
      if (call === 'GET /image' || call === 'GET /instances') return { status: 404, body: { code: 'NOT_FOUND', status: 404 } }
      if (call !== 'GET /providers') return reply
      const providers = reply.body as Record<string, unknown>[]
      return { ...reply, body: providers.map(withoutCredit) }
    })
    await liveThrough(pool)
    expect((await pool.call('GET', '/api/pool/providers')).body).toMatchObject({
      providers: [{ creditRemaining: null, creditAt: null }],
    })
    expect((await pool.call('GET', '/api/pool/images')).body).toMatchObject({ wanted: null })
    await eventually('the next ticks', () => pool.logged.filter((line) => line.includes('the next tick asks again')).length > 2)
    expect(failuresIn(pool)).toEqual([])
  })
})
