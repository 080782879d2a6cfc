import { z } from 'zod'

/** Body of `POST /api/pool/replenish`; without count: look at everything once and refill. */
export const ReplenishRequest = z.strictObject({ count: z.number().int().min(1).max(20).optional() })

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
  instanceId: z.string(),
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
  report: z.record(z.string(), z.unknown()).nullable(),
})
export type Operation = z.infer<typeof Operation>
export const Operations = z.object({ operations: z.array(Operation) })
