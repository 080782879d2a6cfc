import { z } from 'zod'
import { Claim } from './claim.ts'
import { Counts, Instance, InstanceEvent } from './instance.ts'
import { Operation } from './operation.ts'

/** Query of `GET /api/pool/activity`. */
export const ActivityQuery = z.object({
  after: z.string().max(64).optional().describe('a cursor; what happened after it, oldest first. `0-0` is the beginning'),
  type: z.string().min(1).max(64).optional(),
  instanceId: z.string().min(1).max(64).optional(),
  claimId: z.string().min(1).max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional().describe('100 unless given; with `jsonl` all'),
  format: z.enum(['json', 'jsonl']).default('json'),
})
export type ActivityQuery = z.infer<typeof ActivityQuery>

/** `GET /api/pool/activity`: oldest first; without `after` the latest ones. `cursor` is where to go on, `more` that there is more there. */
export const Activity = z.object({ events: z.array(InstanceEvent), cursor: z.string(), more: z.boolean() })
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
