import { z } from 'zod'

/** Body of `POST /api/pool/replenish`; without count: look at everything once and refill. */
export const ReplenishRequest = z.strictObject({ count: z.number().int().min(1).max(20).optional() })

/** The report of a replenish operation that adds fewer than were asked for. */
export const ReplenishReport = z.object({
  asked: z.number().int(),
  held: z.object({ code: z.string(), reason: z.string(), until: z.coerce.date().nullable() }),
})
export type ReplenishReport = z.infer<typeof ReplenishReport>

/** Body of `POST /api/pool/drain`: exactly one of count, ids, all. */
export const DrainRequest = z
  .strictObject({
    count: z.number().int().min(1).max(1000).optional(),
    ids: z
      .array(z.string().regex(/^[\w-]{1,64}$/))
      .min(1)
      .max(1000)
      .optional(),
    all: z.literal(true).optional(),
    /** False also pauses the refill. */
    refill: z.boolean().default(true),
  })
  .refine(
    (body) => [body.count, body.ids, body.all].filter((v) => v !== undefined).length === 1,
    'give exactly one of count, ids, all',
  )

export const OperationItem = z.object({
  /** Null: the pool as a whole. */
  instanceId: z.string().nullable(),
  state: z.enum(['running', 'done', 'failed']),
  step: z.string().nullable(),
  error: z.string().nullable(),
})

/** Long work with progress. */
export const Operation = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  total: z.number().int(),
  done: z.number().int(),
  failed: z.number().int(),
  items: z.array(OperationItem),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  /** What keeps a roll-out from going on now, as a code and in words, and until when where that is known; null: nothing. */
  waitsFor: z.object({ code: z.string(), reason: z.string(), until: z.string().nullable() }).nullable().default(null),
  report: z.record(z.string(), z.unknown()).nullable(),
})
export type Operation = z.infer<typeof Operation>
export const Operations = z.object({ operations: z.array(Operation) })

/** Body of `POST /api/pool/instances/:id/redeploy`. */
export const RedeployRequest = z.strictObject({ force: z.boolean().default(false) })

/** Body of `DELETE /api/pool/instances/:id?forget=1`; without `forget` there is none. */
export const ForgetRequest = z.strictObject({ reason: z.string().trim().min(1).max(500).optional() })

/** Body of `POST /api/pool/reconcile`: nothing is changed unless `dryRun` is false. `adopt`: lost instances to take back. */
export const ReconcileRequest = z.strictObject({
  dryRun: z.boolean().default(true),
  adopt: z
    .array(z.string().regex(/^[a-z0-9]{12}$/, 'must be the id of an instance'))
    .max(100)
    .default([]),
})

/** The report of a reconcile operation. */
export const ReconcileReport = z.object({
  dryRun: z.boolean(),
  /** What services found, ledger against provider: orphans are there and in no ledger, ghosts the other way round. */
  findings: z.array(
    z.object({
      provider: z.string(),
      resourceId: z.string(),
      instanceId: z.string().nullable(),
      kind: z.string(),
      action: z.string(),
      reason: z.string(),
      createdAt: z.string().nullable(),
    }),
  ),
  /** Providers that could not be listed: of what they hold nothing is said. */
  unlisted: z.array(z.object({ provider: z.string(), error: z.string() })),
  counts: z.record(z.string(), z.number()),
  /** Instances of this pool that services never heard of. */
  absent: z.array(z.string()),
  /** Instances that services keeps, or names in a finding, and this pool has no row for. */
  unknown: z.array(z.string()),
  /** Instances of which services could say nothing now. */
  silent: z.array(z.string()),
  /** What automation would end now, before its hourly cap. */
  wouldDestroy: z.array(z.object({ instanceId: z.string(), from: z.string(), type: z.string(), reason: z.string() })),
  /** What became of those to adopt, or would. */
  adopted: z.array(z.object({ instanceId: z.string(), action: z.enum(['adopt', 'refuse']), reason: z.string() })),
})
export type ReconcileReport = z.infer<typeof ReconcileReport>
