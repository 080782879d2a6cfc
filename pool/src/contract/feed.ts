import { z } from 'zod'
import { Claim } from './claim.ts'
import { Counts, Instance, InstanceEvent } from './instance.ts'
import { Operation } from './operation.ts'

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

/**
 * `GET /api/pool/activity`: oldest first; without `after` the latest ones. `cursor` is where to go on, `more` that there is more
 * there. `earlier` is the `before` of the page that comes before this one; null where there is none, or the page was asked for
 * with `after`.
 */
export const Activity = z.object({
  events: z.array(InstanceEvent),
  cursor: z.string(),
  more: z.boolean(),
  earlier: z.string().nullable().default(null),
})
export type Activity = z.infer<typeof Activity>

/** What is told of an instance whose row is gone. */
export const DeletedInstance = z.object({ id: z.string(), deleted: z.literal(true) })

/**
 * One message of `GET /api/pool/events`: its `event:` and its `data:`. `instance`, `claim` and `operation` are as they stand
 * now, whatever was missed; of a claim neither its gateway nor its place in the queue is told. `reset`: fetch everything again.
 */
export const FeedMessage = z.discriminatedUnion('event', [
  z.object({ event: z.literal('instance'), data: z.union([Instance, DeletedInstance]) }),
  z.object({ event: z.literal('counts'), data: Counts }),
  z.object({ event: z.literal('claim'), data: Claim }),
  z.object({ event: z.literal('operation'), data: Operation }),
  z.object({ event: z.literal('activity'), data: InstanceEvent }),
  z.object({ event: z.literal('reset'), data: z.object({}) }),
])
export type FeedMessage = z.infer<typeof FeedMessage>
