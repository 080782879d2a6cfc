import {
  actionsOf,
  type Claim,
  type Counts,
  type Instance,
  type InstanceEvent,
  type Operation,
  type PoolStatus,
  type ProblemDocument,
  type OfferedTool,
  type Session,
  STATUSES,
  type Template,
} from '@convos/pool/contract'

const AT = '2030-01-01T00:00:00.000Z'

export const aSession = (parts: Partial<Session> = {}): Session => ({
  role: 'operator',
  principal: 'key:pool',
  expiresAt: '2030-01-01T12:00:00.000Z',
  environment: 'staging',
  keyName: null,
  ...parts,
})

export const anInstance = (parts: Partial<Instance> = {}): Instance => ({
  id: 'k3v9x2m4q8za',
  status: 'ready',
  statusReason: null,
  agentName: null,
  templateId: null,
  templateVersion: null,
  templateSyncedAt: null,
  ownerId: null,
  ownerAddress: null,
  principal: null,
  url: 'https://agent.example.com',
  conversationId: null,
  inviteUrl: null,
  image: `registry.example.com/runtime@sha256:${'8f3a1c09d2b7'.padEnd(64, '0')}`,
  model: null,
  health: null,
  tools: [],
  parentInstance: null,
  protected: false,
  expiresAt: null,
  lastActivityAt: null,
  createdAt: AT,
  readyAt: null,
  claimedAt: null,
  phase: 'healthy',
  phaseSince: AT,
  actions: actionsOf({ status: parts.status ?? 'ready', protected: parts.protected ?? false }),
  ...parts,
})

export function aStatus(instances: Instance[], target = 3): PoolStatus {
  const count = (...statuses: string[]) => instances.filter(({ status }) => statuses.includes(status)).length
  const counts: Counts = {
    provisioning: count('starting', 'recycling'),
    idle: count('ready'),
    claimed: count('claiming', 'pending', 'claimed'),
    crashed: count('crashed'),
    stuck: count('stuck'),
  }
  const byStatus = Object.fromEntries(STATUSES.map((status) => [status, count(status)]))
  return { counts, byStatus, target, held: null, instances, truncated: false }
}

export const aClaim = (parts: Partial<Claim> = {}): Claim => ({
  claimId: 'clm_1',
  status: 'done',
  instanceId: 'k3v9x2m4q8za',
  conversationId: 'conversation-1',
  inviteUrl: 'https://dev.convos.org/v2?i=abc',
  joined: false,
  gatewayUrl: 'https://agent.example.com',
  gatewayToken: 'the-gateway-token',
  agentName: 'tokyo-trip-planner',
  templateId: null,
  tools: [],
  queue: null,
  steps: [],
  createdAt: AT,
  finishedAt: '2030-01-01T00:00:00.420Z',
  error: null,
  ...parts,
})

export const anOperation = (parts: Partial<Operation> = {}): Operation => ({
  id: 'op_1',
  kind: 'drain',
  state: 'running',
  total: 2,
  done: 0,
  failed: 0,
  items: [],
  startedAt: AT,
  finishedAt: null,
  waitsFor: null,
  report: null,
  ...parts,
})

export const aProblem = (status: number, code: string, parts: Partial<ProblemDocument> = {}): ProblemDocument => ({
  type: 'about:blank',
  title: code,
  status,
  detail: null,
  code,
  requestId: 'request-1',
  ...parts,
})

export const anEvent = (parts: Partial<InstanceEvent> = {}): InstanceEvent => ({
  id: '1',
  at: AT,
  instanceId: 'k3v9x2m4q8za',
  claimId: null,
  type: 'ready',
  from: 'starting',
  to: 'ready',
  reason: 'it answered ready and clean',
  actor: 'pool',
  requestId: null,
  detail: null,
  ...parts,
})

export const aTemplate = (parts: Partial<Template> = {}): Template => ({
  id: 'tpl_1',
  creatorId: 'somebody',
  agentName: 'trip-planner',
  instructions: 'You plan trips.',
  model: { default: null, allow_override: true },
  tools: [],
  visibility: 'public',
  version: 1,
  createdAt: AT,
  updatedAt: AT,
  ...parts,
})

export const sms: OfferedTool = {
  toolId: 'sms',
  name: 'Telnyx',
  provisioning: ['pool', 'user'],
  available: true,
  userConfig: {
    type: 'object',
    properties: {
      telnyxApiKey: { type: 'string', pattern: '^[\\x21-\\x7e]{1,256}$' },
      telnyxPhone: { type: 'string', pattern: '^\\+[1-9]\\d{6,14}$' },
    },
    required: ['telnyxApiKey', 'telnyxPhone'],
    additionalProperties: false,
  },
}
