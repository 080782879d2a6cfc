import { z } from 'zod'

/** One vocabulary for database, API, dashboard and logs. */
export const STATUSES = [
  'starting',
  'ready',
  'claiming',
  'pending',
  'claimed',
  'crashed',
  'recycling',
  'stuck',
  'deleting',
] as const
export const Status = z.enum(STATUSES)
export type Status = z.infer<typeof Status>

/** `GET /api/pool/counts`; provisioning = starting + recycling, idle = ready, claimed = claiming + pending + claimed. */
export const Counts = z.object({
  provisioning: z.number().int(),
  idle: z.number().int(),
  claimed: z.number().int(),
  crashed: z.number().int(),
  stuck: z.number().int(),
})
export type Counts = z.infer<typeof Counts>

const time = z.string().nullable()

export const Tool = z.object({ toolId: z.string(), resourceId: z.string().nullable(), state: z.string() })

export const Instance = z.object({
  id: z.string(),
  status: Status,
  statusReason: z.string().nullable(),
  agentName: z.string().nullable(),
  templateId: z.string().nullable(),
  templateVersion: z.number().int().nullable(),
  /** When it was last given what its template says by then; null: at its claim. */
  templateSyncedAt: time,
  ownerId: z.string().nullable(),
  ownerAddress: z.string().nullable(),
  principal: z.string().nullable(),
  url: z.string().nullable(),
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  image: z.string().nullable(),
  model: z.string().nullable(),
  health: z.object({ ready: z.boolean(), clean: z.boolean(), at: z.string() }).nullable(),
  tools: z.array(Tool),
  parentInstance: z.string().nullable(),
  protected: z.boolean(),
  expiresAt: time,
  lastActivityAt: time,
  createdAt: z.string(),
  readyAt: time,
  claimedAt: time,
  /** Where services stands with it: queued, creating, deploying, healthy, …; null before it was first heard of. */
  phase: z.string().nullable(),
  phaseSince: time,
  /** Per action: true, or why it is not possible now. */
  actions: z.record(z.string(), z.union([z.literal(true), z.string()])),
})
export type Instance = z.infer<typeof Instance>

export const InstanceEvent = z.object({
  id: z.string(),
  at: z.string(),
  instanceId: z.string().nullable(),
  claimId: z.string().nullable(),
  type: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  reason: z.string().nullable(),
  actor: z.string(),
  requestId: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()).nullable(),
})
export type InstanceEvent = z.infer<typeof InstanceEvent>

/** `GET /api/pool/instances/:id` */
export const InstanceWithEvents = Instance.extend({ events: z.array(InstanceEvent) })

/** `DELETE /api/pool/instances`: the claimed ones, none of which it deletes. */
export const ClaimedIds = z.object({ ids: z.array(z.string()) })

/** `GET /api/pool/status`, at most 1 000 instances. `target` is how many ready instances the pool keeps. */
export const PoolStatus = z.object({
  counts: Counts,
  /** How many there are in each status, of all of them; a status without any may be absent. */
  byStatus: z.partialRecord(Status, z.number().int()).default({}),
  target: z.number().int(),
  /** What keeps the stock below its target, if anything does: `PAUSED`, `MAX_TOTAL`, `CREATION_FAILING`, `UNTRUSTED_IMAGE`. */
  held: z.object({ code: z.string(), reason: z.string(), until: time }).nullable().default(null),
  instances: z.array(Instance),
  truncated: z.boolean(),
})
export type PoolStatus = z.infer<typeof PoolStatus>

/** One agent of `GET /api/pool/agents`. The last four fields are for operators only, and the name may be hidden from the public. */
export const Agent = z.object({
  id: z.string(),
  agentName: z.string().nullable(),
  status: Status,
  createdAt: z.string(),
  claimedAt: time,
  inviteUrl: z.string().nullable().optional(),
  conversationId: z.string().nullable().optional(),
  ownerId: z.string().nullable().optional(),
  principal: z.string().nullable().optional(),
})
export const Agents = z.object({ claimed: z.array(Agent), crashed: z.array(Agent) })
export type Agents = z.infer<typeof Agents>

/** `GET /version` */
export const Version = z.object({
  version: z.string(),
  commit: z.string(),
  environment: z.string(),
  /** The same for all replicas of one deployment, and for no other. */
  deployment: z.string(),
})
