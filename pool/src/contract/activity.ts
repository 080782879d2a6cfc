import { z } from 'zod'

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => !value.includes('\0'), 'must not contain NUL characters')
const type = text(64)
const moment = z.iso.datetime({ offset: true })

/** Query of `GET /api/pool/activity`. Filters that are not given let everything through. */
export const ActivityQuery = z.object({
  after: z.string().max(64).optional().describe('a cursor; what happened after it, oldest first. `0-0` is the beginning'),
  before: z.string().max(64).optional().describe('a cursor; the latest of what happened before it. Not together with `after`'),
  /** One type, or several: `type=ready&type=claimed`. */
  type: z.union([type, z.array(type).max(64)]).optional(),
  instanceId: text(64).optional(),
  claimId: text(64).optional(),
  /** Who did it: `pool`, `key:…`. */
  actor: text(128).optional(),
  requestId: text(128).optional(),
  since: moment.optional().describe('from then on'),
  until: moment.optional().describe('before then'),
  limit: z.coerce.number().int().min(1).max(1000).optional().describe('100 unless given; with `jsonl` all'),
  format: z.enum(['json', 'jsonl']).default('json'),
})
export type ActivityQuery = z.infer<typeof ActivityQuery>
