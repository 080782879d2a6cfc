import { apiApp, bearer, createLogger, listen, Problem } from '@convos/kit'
import {
  CancelRequest,
  ChangesQuery,
  type ConfigureReply,
  ConfigureRequest,
  CreateInstanceRequest,
  type InstanceState,
  type ProbedHealth,
  type ProvidersReply,
  type InstanceReply,
  ProvisionToolRequest,
  type ReconcileReply,
  ReconcileRequest,
  ReconfigureRequest,
  RedeployRequest,
  type RegistryReply,
  type StatusDetail,
  StatusRequest,
  type ToolState,
  ValidateRequest,
} from '@convos/services/contract'
import { eventually } from '@convos/sandbox/testing'
import { Router } from 'express'
import type { z } from 'zod'

type ReconfigureRequest = z.infer<typeof ReconfigureRequest>
type RedeployRequest = z.infer<typeof RedeployRequest>
type ReconcileRequest = z.infer<typeof ReconcileRequest>
type Configure = (instanceId: string, body: ConfigureRequest) => Promise<ConfigureReply> | ConfigureReply

/** Stands in for services: its contract over HTTP, its world in memory, every behaviour in the test's hand. */
export interface FakeServices {
  url: string
  apiKey: string
  /** Gateway tokens it ever gave out: none may be seen where it does not belong. */
  tokens: string[]
  calls: { method: string; path: string; body: unknown }[]
  instances: Map<string, StatusDetail>
  /** What a new instance becomes; healthy at once unless set. */
  onCreate: (instanceId: string) => Promise<void> | void
  onConfigure: Configure
  onCancel: (instanceId: string) => Promise<boolean> | boolean
  /** What there is to be had; nobody's credentials are accepted unless `onValidate` lets them. */
  tools: z.infer<typeof RegistryReply>
  registryIs: 'up' | 'down'
  /** How much later than this machine's its clock is, ms. */
  clockOffsetMs: number
  /** What the configured tag means; null: it cannot be resolved. */
  image: string | null
  providers: z.infer<typeof ProvidersReply>
  /** Refuses by throwing. */
  onValidate: (toolId: string, userConfig: unknown) => Promise<void> | void
  /** What becomes of a tool at once; there unless set. Refuses by throwing. */
  onProvision: (instanceId: string, toolId: string, userConfig: unknown) => Promise<ToolState> | ToolState
  /** Whether a tool that is to go is gone at once. */
  onTakeTool: (instanceId: string, toolId: string) => Promise<boolean> | boolean
  /** What becomes of an agent that is told something else. Refuses by throwing. */
  onReconfigure: (instanceId: string, body: ReconfigureRequest) => Promise<void> | void
  /** Whether anything changes; by default it is on the wanted image already. Refuses by throwing. */
  onRedeploy: (instanceId: string, body: RedeployRequest) => Promise<boolean> | boolean
  /** How far the redeploy of an instance is, as its ledger says; nothing is under way unless set. */
  rollouts: Map<string, Partial<InstanceReply>>
  onReconcile: (body: ReconcileRequest) => Promise<Partial<ReconcileReply>> | Partial<ReconcileReply>
  /** What a tool takes as a change. Refuses by throwing. */
  onUpdateTool: (instanceId: string, toolId: string, change: Record<string, unknown>) => Record<string, unknown>
  /** Every cursor that /changes is asked with counts as pruned. */
  resets: boolean
  /** Sets an instance's state or probe and tells /changes. */
  set(instanceId: string, change: Partial<StatusDetail>): void
  called(path: RegExp): FakeServices['calls']
  close(): Promise<void>
}

/** An image of the test's, by its number. */
export const imageOf = (n: number): string => `registry.test/runtime@sha256:${String(n).padStart(64, '0')}`

const iso = (agoMs = 0) => new Date(Date.now() - agoMs).toISOString()

export const healthOf = (p: Partial<ProbedHealth> = {}): ProbedHealth => ({
  ready: true,
  clean: true,
  binding: 'none',
  conversationId: null,
  inviteUrl: null,
  claimId: null,
  version: '1',
  lastActivityAt: null,
  at: iso(),
  ...p,
})

export const detailOf = (state: InstanceState, p: Partial<StatusDetail> = {}): StatusDetail => ({
  state,
  phaseSince: iso(1000),
  deploymentStartedAt: iso(1000),
  failures: 0,
  failingSince: null,
  url: null,
  image: null,
  tools: [],
  health: state === 'healthy' ? healthOf() : null,
  ...p,
})

export const problem = (status: number, code: string, extra: Record<string, unknown> = {}) =>
  new Problem({ status, code, detail: `fake ${code}`, extra })

export async function startFakeServices(environment = 'dev'): Promise<FakeServices> {
  const apiKey = `services-${crypto.randomUUID()}`
  let cursor = 1
  const changed: { at: number; id: string }[] = []
  const listening = await listen((req, res) => void app(req, res), 0, '127.0.0.1')
  const fake: FakeServices = {
    url: `http://127.0.0.1:${listening.port}`,
    apiKey,
    tokens: [],
    calls: [],
    instances: new Map(),
    onCreate: (id) => fake.set(id, detailOf('healthy', { url: `http://${id}.test` })),
    onConfigure: (id, body) => configured(fake, id, body),
    onCancel: () => false,
    tools: [
      offer('wallet', ['always']),
      offer('email', ['pool']),
      offer('sms', ['pool', 'user'], { type: 'object', required: ['telnyxApiKey', 'telnyxPhone'] }),
      { ...offer('crypto', ['pool']), available: false },
    ],
    registryIs: 'up',
    clockOffsetMs: 0,
    image: null,
    providers: [],
    onValidate: () => {
      throw problem(422, 'USER_CONFIG_REJECTED', { errors: [{ path: 'telnyxApiKey', message: 'is not accepted' }] })
    },
    onProvision: (id, toolId, userConfig) =>
      userConfig === undefined
        ? { toolId, resourceId: `${toolId}-of-${id}`, state: 'active' }
        : { toolId, resourceId: 'user', state: 'user_provided' },
    onTakeTool: () => true,
    onReconfigure: () => {},
    onRedeploy: () => false,
    rollouts: new Map(),
    onReconcile: () => ({}),
    onUpdateTool: (_id, _toolId, change) => change,
    resets: false,
    set(id, change) {
      const before = fake.instances.get(id) ?? detailOf('deploying')
      // whatever becomes of it, it stays on its image
      fake.instances.set(id, { ...before, ...change, image: change.image ?? before.image })
      changed.push({ at: ++cursor, id })
    },
    called: (path) => fake.calls.filter((call) => path.test(`${call.method} ${call.path}`)),
    close: () => listening.close(0),
  }

  const router = Router()
    .use(bearer([apiKey]), (req, _res, next) => {
      if (req.headers['x-environment'] !== environment) throw problem(409, 'ENVIRONMENT_MISMATCH')
      fake.calls.push({ method: req.method, path: req.path, body: req.body as unknown })
      next()
    })
    .post('/create-instance', async (req, res) => {
      const { instanceId, image = fake.image } = CreateInstanceRequest.parse(req.body)
      if (fake.instances.get(instanceId)?.state === 'destroyed') throw problem(410, 'DESTROYED')
      if (!fake.instances.has(instanceId)) {
        fake.set(instanceId, detailOf('queued', { image }))
        await fake.onCreate(instanceId)
      }
      res.status(202).json({ instanceId, url: null })
    })
    .delete('/destroy/:id', (req, res) => {
      if (fake.instances.has(req.params.id)) fake.set(req.params.id, detailOf('destroyed'))
      res.json({ ok: true })
    })
    .post('/status/batch', (req, res) => {
      const { instanceIds } = StatusRequest.parse(req.body)
      // a probe is answered now, wherever the instance answers at all
      const now = (d: StatusDetail) =>
        d.health && d.failures === 0 ? { ...d, health: { ...d.health, at: iso(-fake.clockOffsetMs) } } : d
      res.json(Object.fromEntries(instanceIds.map((id) => [id, now(fake.instances.get(id) ?? detailOf('absent'))])))
    })
    .get('/changes', async (req, res) => {
      const { after, waitMs } = ChangesQuery.parse(req.query)
      const since = Number(after ?? cursor)
      const news = () => changed.filter((c) => c.at > since)
      if (after !== undefined && !fake.resets) {
        await eventually('a change', () => news().length > 0 || res.destroyed, { timeoutMs: waitMs, everyMs: 10 }).catch(() => {})
      }
      res.json({ cursor: String(cursor), instanceIds: [...new Set(news().map((c) => c.id))], reset: fake.resets })
    })
    .post('/configure/:id', async (req, res) => {
      res.json(await fake.onConfigure(req.params.id, ConfigureRequest.parse(req.body)))
    })
    .post('/cancel/:id', async (req, res) => {
      CancelRequest.parse(req.body)
      res.json({ joined: await fake.onCancel(req.params.id) })
    })
    .get('/instances', (_req, res) => {
      const there = [...fake.instances].filter(([, { state }]) => state !== 'destroyed')
      const instances = there.map(([instanceId]) => ({
        instanceId,
        createdAt: iso(60_000),
        name: `tokyo-guide-${instanceId}`,
        claimId: null,
      }))
      res.json({ instances, next: null })
    })
    .get('/image', (_req, res) => {
      const digest = fake.image?.split('@')[1] ?? null
      res.json({ ref: 'registry.test/runtime:dev', image: fake.image, digest, resolvedAt: iso() })
    })
    .get('/registry', (_req, res) => {
      if (fake.registryIs === 'down') throw problem(503, 'DATABASE_DOWN')
      res.json(fake.tools)
    })
    .get('/version', (_req, res) => res.json({ version: '0.1.0', commit: 'services-commit', schema: '0001_services.sql' }))
    .get('/providers', (_req, res) => res.json(fake.providers))
    .post('/validate/:toolId', async (req, res) => {
      await fake.onValidate(req.params.toolId, ValidateRequest.parse(req.body).userConfig)
      res.json({ ok: true })
    })
    .post('/provision/:id/:toolId', async (req, res) => {
      const { id, toolId } = req.params
      const tool = await fake.onProvision(id, toolId, ProvisionToolRequest.parse(req.body).userConfig)
      setTool(fake, id, tool)
      res.status(tool.state === 'creating' ? 202 : 200).json({ ...tool, config: {}, error: null })
    })
    .delete('/destroy/:id/:toolId/:resourceId', async (req, res) => {
      const { id, toolId, resourceId } = req.params
      const ok = await fake.onTakeTool(id, toolId)
      setTool(fake, id, { toolId, resourceId, state: ok ? 'destroyed' : 'destroying' })
      res.status(ok ? 200 : 202).json({ ok })
    })
    .patch('/configure/:id', async (req, res) => {
      known(fake, req.params.id)
      await fake.onReconfigure(req.params.id, ReconfigureRequest.parse(req.body))
      res.json({ ok: true })
    })
    .post('/redeploy/:id', async (req, res) => {
      known(fake, req.params.id)
      res.json({ ok: true, changed: await fake.onRedeploy(req.params.id, RedeployRequest.parse(req.body)) })
    })
    .post('/reconcile', async (req, res) => {
      const body = ReconcileRequest.parse(req.body)
      const reply = { dryRun: body.dryRun, findings: [], unlisted: [], counts: {} }
      res.json({ ...reply, ...(await fake.onReconcile(body)) })
    })
    .get('/instances/:id/logs', (req, res) => {
      known(fake, req.params.id)
      const lines = Array.from({ length: Number(req.query['limit']) }, (_, n) => ({
        at: iso(),
        severity: null,
        message: `line ${n}`,
      }))
      res.json({ deploymentId: 'd', lines })
    })
    .get('/instances/:id/debug', (req, res) => {
      const { state } = known(fake, req.params.id)
      const probe = { ms: 1, health: { ready: true }, error: null }
      res.json({ instanceId: req.params.id, state, deployment: null, deploymentError: 'the provider does not show it', probe })
    })
    .get('/provision/:id/:toolId', (req, res) => {
      res.json({ ...toolOf(fake, req.params), usage: { at: iso(60_000), sample: { used: 3 } } })
    })
    .patch('/provision/:id/:toolId', (req, res) => {
      const { id, toolId } = req.params
      const tool = toolOf(fake, req.params)
      res.json({ ...tool, config: fake.onUpdateTool(id, toolId, req.body as Record<string, unknown>) })
    })
    .get('/instances/:id', (req, res) => res.json(ledgerOf(fake, req.params.id)))
    .get('/instances/:id/gateway', (req, res) => res.json(gatewayOf(fake, req.params.id)))
  const app = apiApp({ log: createLogger('fake', 'silent'), routes: [router] })
  return fake
}

const offer = (
  toolId: string,
  provisioning: ('always' | 'pool' | 'user')[],
  userConfig: Record<string, unknown> | null = null,
) => ({ toolId, name: toolId, provisioning, available: true, userConfig })

/** The ledger of an instance's tools, and /changes with it. */
export function setTool(fake: FakeServices, id: string, tool: ToolState): void {
  const others = (fake.instances.get(id)?.tools ?? []).filter(({ toolId }) => toolId !== tool.toolId)
  fake.set(id, { tools: [...others, tool] })
}

function known(fake: FakeServices, id: string): StatusDetail {
  const detail = fake.instances.get(id)
  if (!detail || detail.state === 'destroyed') throw problem(404, 'INSTANCE_UNKNOWN')
  return detail
}

function toolOf(fake: FakeServices, { id, toolId }: { id: string; toolId: string }) {
  const tool = known(fake, id).tools.find((each) => each.toolId === toolId)
  if (!tool) throw problem(404, 'RESOURCE_UNKNOWN')
  return { ...tool, config: { limit: 20 }, error: null }
}

/** Where an instance stands, and where its redeploy does. */
function ledgerOf(fake: FakeServices, instanceId: string): InstanceReply {
  const { state, url, image, tools } = known(fake, instanceId)
  const rollout = { wantedImage: null, rolloutError: null, error: null, ...fake.rollouts.get(instanceId) }
  const steps = { steps: [], attempts: 0, nextRunAt: null, capabilities: { recycle: false } }
  return { instanceId, state, wish: 'present', url, image, tools, ...steps, ...rollout }
}

function gatewayOf(fake: FakeServices, id: string) {
  const gatewayToken = `gateway-token-of-${id}`
  if (!fake.tokens.includes(gatewayToken)) fake.tokens.push(gatewayToken)
  return { gatewayUrl: `http://${id}.test`, gatewayToken }
}

/** The ordinary course: bound to the claim, in a conversation of its own or waiting to be let in. */
export function configured(fake: FakeServices, id: string, body: ConfigureRequest): ConfigureReply {
  const { claimId } = body
  const status = body.joinUrl ? 'pending' : 'active'
  const conversationId = status === 'active' ? `conversation-${id}` : null
  const inviteUrl = status === 'active' ? `https://dev.convos.org/v2?i=${id}` : null
  const health = healthOf({ clean: false, binding: status, conversationId, inviteUrl, claimId })
  fake.set(id, { state: 'healthy', health })
  return { ok: true, conversationId, inviteUrl, joined: false, status, ...gatewayOf(fake, id) }
}
