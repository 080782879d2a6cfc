import { z } from 'zod'
import { ImageRef, InstanceId } from './instances.ts'

/** `POST /redeploy/:instanceId`: `changed: false` when it is on that image already and `force` was not given. */
export const RedeployRequest = z.object({ image: ImageRef.optional(), force: z.boolean().optional() })
export const RedeployReply = z.object({ ok: z.literal(true), changed: z.boolean() })

/** `GET /instances/:id/logs?limit=`: the newest lines of its latest deployment, oldest first. */
export const LogsQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) })
export const LogsReply = z.object({
  deploymentId: z.string().nullable(),
  lines: z.array(z.object({ at: z.string(), severity: z.string().nullable(), message: z.string() })),
})

/** `GET /instances/:id/debug`: asked afresh, at the provider and of the instance itself. */
export const DebugReply = z.object({
  instanceId: z.string(),
  state: z.string(),
  deployment: z.object({ id: z.string(), verdict: z.string(), image: z.string().nullable() }).nullable(),
  /** Why the provider could not be asked; null when it was. */
  deploymentError: z.string().nullable(),
  probe: z
    .object({ ms: z.number(), health: z.record(z.string(), z.unknown()).nullable(), error: z.string().nullable() })
    .nullable(),
})

/** One entry of `GET /providers`. */
export const ProviderState = z.object({
  provider: z.string(),
  /** False while it is not configured. */
  configured: z.boolean(),
  /** `blocked`: it told us to wait; `failing`: its latest answer was a failure; `unknown`: not asked yet. */
  health: z.enum(['ok', 'failing', 'blocked', 'unknown']),
  /** Requests since `windowStartedAt`, over all replicas, and what is left of the budget we hold ourselves to; null: no budget. */
  requests: z.number().int(),
  refused: z.number().int(),
  failed: z.number().int(),
  budget: z.number().int().nullable(),
  left: z.number().int().nullable(),
  windowStartedAt: z.string().nullable(),
  blockedUntil: z.string().nullable(),
  lastOkAt: z.string().nullable(),
  lastError: z.string().nullable(),
  lastErrorAt: z.string().nullable(),
  /** USD left on our account when an instance's usage was last measured (`creditAt`); null: never, or it has none. */
  creditRemaining: z.number().nullable().default(null),
  creditAt: z.string().nullable().default(null),
})
export type ProviderState = z.infer<typeof ProviderState>
export const ProvidersReply = z.array(ProviderState)

/** `GET /version`: which build answers, and the newest migration of its database. */
export const VersionReply = z.object({ version: z.string(), commit: z.string(), schema: z.string() })

/** `POST /reconcile`; nothing is changed unless `dryRun` is false. `adopt`: bound instances to take back into the ledger. */
export const ReconcileRequest = z.object({ dryRun: z.boolean().default(true), adopt: z.array(InstanceId).max(100).default([]) })

export const Finding = z.object({
  provider: z.string(),
  resourceId: z.string(),
  instanceId: z.string().nullable(),
  /** `orphan`: at the provider, in no live ledger row; `ghost`: in the ledger, not at the provider; `adopted`: taken back. */
  kind: z.enum(['orphan', 'ghost', 'adopted']),
  /** What was done, or would be. */
  action: z.enum(['report', 'destroy', 'wait', 'adopt', 'refuse']),
  reason: z.string(),
  createdAt: z.string().nullable(),
})
export type Finding = z.infer<typeof Finding>

export const ReconcileReply = z.object({
  dryRun: z.boolean(),
  findings: z.array(Finding),
  /** Providers that could not be listed: of what they hold nothing is said. */
  unlisted: z.array(z.object({ provider: z.string(), error: z.string() })),
  counts: z.record(z.string(), z.number()),
})
export type ReconcileReply = z.infer<typeof ReconcileReply>
