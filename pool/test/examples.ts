import { imageOf, setTool } from './fake-services.ts'
import { seedReady, type TestPool, trustImage, unaudited } from './harness.ts'
import { makeKey, sessionHeaders } from './keys.ts'
import { claimed } from './operating.ts'

/** Who calls; `owner` is the key of whoever what it acts on belongs to. */
export interface Caller {
  name: string
  role: 'public' | 'claimer' | 'operator' | 'scraper'
  headers: Record<string, string>
  owner: string
  session: boolean
}

/** A call that makes sense, and what it answers to a caller who may make it. */
export interface Example {
  params?: Record<string, string>
  query?: string
  headers?: Record<string, string>
  body?: unknown
  status: number
}

type Make = (pool: TestPool, caller: Caller) => Example | Promise<Example>

const ok: Make = () => ({ status: 200 })

const TEMPLATE = {
  agentName: 'Trip planner',
  instructions: 'Plan trips.',
  model: { default: 'a/model', allow_override: false },
  tools: [{ id: 'email', provisioning: 'pool' }],
}

async function template(pool: TestPool, { owner }: Caller, visibility = 'private'): Promise<{ id: string }> {
  const { body } = await pool.call('POST', '/api/templates', { body: { ...TEMPLATE, visibility }, key: owner })
  return { id: String(body['id']) }
}

const agent = async (pool: TestPool, { owner }: Caller): Promise<{ id: string }> => ({ id: await claimed(pool, {}, owner) })

async function claim(pool: TestPool, { owner: key }: Caller): Promise<{ id: string }> {
  await seedReady(pool, 1)
  return { id: String((await pool.claim({}, { key })).body['claimId']) }
}

async function operation(pool: TestPool): Promise<{ id: string }> {
  const [id] = await seedReady(pool, 1)
  return { id: String((await pool.call('POST', '/api/pool/drain', { body: { ids: [id] } })).body['id']) }
}

async function withTool(pool: TestPool, caller: Caller): Promise<{ id: string; toolId: string }> {
  const { id } = await agent(pool, caller)
  setTool(pool.services, id, { toolId: 'openrouter', resourceId: 'key', state: 'active' })
  return { id, toolId: 'openrouter' }
}

/** Something to roll out; it does not end while what the pool creates does not become ready. */
async function offImage(pool: TestPool, n = 1): Promise<void> {
  await trustImage(pool)
  await seedReady(pool, n)
}

/** For every operation a call, or several. A new endpoint is called only once it has one here. */
export const EXAMPLES: Record<string, Make[]> = {
  getHealth: [ok],
  getReadiness: [ok],
  getVersion: [ok],
  getMetrics: [ok],
  getOpenApi: [ok],

  createSession: [(_pool, { owner }) => ({ body: { key: owner }, status: 201 })],
  getSession: [(_pool, { session }) => ({ status: session ? 200 : 404 })],
  // another one: the caller goes on
  deleteSession: [
    async (pool, { owner, session }) => ({ headers: session ? await sessionHeaders(pool, owner) : {}, status: 204 }),
  ],
  createLoginCode: [() => ({ status: 201 })],

  listKeys: [ok],
  createKey: [
    () => ({ body: { name: crypto.randomUUID(), role: 'claimer', claimsPerMinute: null, claimsPerDay: 10 }, status: 201 }),
  ],
  revokeKey: [async (pool) => ({ params: { id: (await makeKey(pool)).id }, status: 200 })],

  claim: [
    async (pool) => {
      await seedReady(pool, 1)
      const headers = { 'idempotency-key': crypto.randomUUID() }
      const body = { agentName: 'Planner', instructions: 'Plan.', model: 'a/model', ownerInboxId: 'inbox', waitMs: 1_000 }
      return { headers, body: { ...body, expiresAt: '2099-01-01T00:00:00Z' }, status: 200 }
    },
    async (pool) => {
      await seedReady(pool, 1)
      return { body: { joinUrl: `https://dev.convos.org/v2?i=${crypto.randomUUID()}` }, status: 202 }
    },
  ],
  createChallenge: [ok],
  getClaim: [async (pool, caller) => ({ params: await claim(pool, caller), status: 200 })],
  giveUpClaim: [async (pool, caller) => ({ params: await claim(pool, caller), status: 200 })],

  getCounts: [ok],
  listAgents: [ok],
  getPoolStatus: [ok],

  getInstance: [async (pool, caller) => ({ params: await agent(pool, caller), status: 200 })],
  listInstances: [ok, () => ({ query: 'status=ready&status=claimed&sort=claimedAt&order=asc&limit=1', status: 200 })],
  listClaimedIds: [ok],
  killInstance: [async (pool, caller) => ({ params: await agent(pool, caller), status: 202 })],
  dismissInstance: [
    async (pool, caller) => {
      const params = await agent(pool, caller)
      await unaudited(pool.db, `update instances set status = 'crashed' where id = $1`, [params.id])
      return { params, status: 202 }
    },
  ],
  changeInstance: [
    async (pool, caller) => ({
      params: await agent(pool, caller),
      body: { protected: true, expiresAt: '2099-01-01T00:00:00Z' },
      status: 200,
    }),
  ],
  redeployInstance: [async (pool, caller) => ({ params: await agent(pool, caller), body: { force: true }, status: 202 })],
  // no provider of ours keeps a checkpoint
  recycleInstance: [async (pool, caller) => ({ params: await agent(pool, caller), status: 409 })],
  cloneInstance: [
    async (pool, caller) => {
      const params = await agent(pool, caller)
      await seedReady(pool, 1)
      return { params, body: { waitMs: 1_000 }, status: 200 }
    },
  ],
  getInstanceLogs: [async (pool, caller) => ({ params: await agent(pool, caller), query: 'limit=2', status: 200 })],
  debugInstance: [async (pool, caller) => ({ params: await agent(pool, caller), status: 200 })],
  getInstanceTool: [async (pool, caller) => ({ params: await withTool(pool, caller), status: 200 })],
  changeInstanceTool: [async (pool, caller) => ({ params: await withTool(pool, caller), body: { limit: 50 }, status: 200 })],

  replenish: [
    async (pool) => {
      await trustImage(pool)
      return { body: { count: 1 }, status: 202 }
    },
    () => ({ status: 202 }),
  ],
  drain: [async (pool) => ({ body: { ids: await seedReady(pool, 2), refill: true }, status: 202 })],
  reconcile: [() => ({ body: { dryRun: true, adopt: [] }, status: 202 })],
  rollOut: [
    async (pool) => {
      await offImage(pool)
      return { status: 202 }
    },
  ],
  stopRollout: [
    async (pool) => {
      // several, one after the other: that of one alone may be over before it is stopped
      await offImage(pool, 5)
      await pool.call('POST', '/api/pool/rollout')
      return { status: 200 }
    },
  ],
  listOperations: [ok],
  getOperation: [async (pool) => ({ params: await operation(pool), status: 200 })],
  stopOperation: [async (pool) => ({ params: await operation(pool), status: 200 })],

  listActivity: [
    ok,
    () => ({ query: 'after=0-0&limit=5', status: 200 }),
    () => ({ query: 'format=jsonl&limit=5', status: 200 }),
    () => ({ query: 'type=ready&type=claimed&since=2030-01-01T00:00:00Z', status: 200 }),
  ],
  listen: [ok],

  listVersions: [ok],
  getSettings: [ok],
  changeSettings: [() => ({ body: { maxTotal: 10_000 }, status: 200 })],

  listImages: [ok],
  resetBreaker: [
    async (pool) => {
      await trustImage(pool)
      return { params: { digest: imageOf(1).split('@')[1] ?? '' }, status: 200 }
    },
  ],

  listTools: [ok],
  listTemplates: [ok],
  createTemplate: [() => ({ body: TEMPLATE, status: 201 })],
  getTemplate: [async (pool, caller) => ({ params: await template(pool, caller, 'public'), status: 200 })],
  listTemplateVersions: [async (pool, caller) => ({ params: await template(pool, caller, 'public'), status: 200 })],
  updateTemplate: [
    async (pool, caller) => ({ params: await template(pool, caller), body: { ...TEMPLATE, version: 1 }, status: 200 }),
  ],
  deleteTemplate: [async (pool, caller) => ({ params: await template(pool, caller), status: 200 })],
  syncTemplate: [async (pool, caller) => ({ params: await template(pool, caller), status: 202 })],

  getStats: [() => ({ query: 'window=1h', status: 200 })],
  listAlerts: [ok],
  getTick: [ok],
  listProviders: [ok],
}
