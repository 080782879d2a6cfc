import { z } from 'zod'
import { Claim } from './claim.ts'
import { Counts, Instance, InstanceEvent } from './instance.ts'
import { Operation } from './operation.ts'

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
