import { z } from 'zod'
import { Instance, Status } from './instance.ts'

export const INSTANCE_SORTS = ['createdAt', 'readyAt', 'claimedAt', 'lastActivityAt', 'agentName', 'status'] as const
export type InstanceSort = (typeof INSTANCE_SORTS)[number]

const text = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !value.includes('\0'), 'must not contain NUL characters')

/** Query of `GET /api/pool/instances`. Filters that are not given let everything through. */
export const InstancesQuery = z.object({
  /** One status, or several: `status=ready&status=stuck`. */
  status: z.union([Status, z.array(Status).max(20)]).optional(),
  template: text.optional(),
  /** An owner's id, or address. */
  owner: text.optional(),
  principal: text.optional(),
  image: text.optional(),
  /** Anywhere in the id or the agent's name, whatever the case. */
  text: text.optional(),
  sort: z.enum(INSTANCE_SORTS).default('createdAt'),
  /** What has no such time or name comes last, either way. */
  order: z.enum(['asc', 'desc']).default('desc'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Where the page before ended; it goes with the same `sort` and `order`. */
  cursor: z.string().max(1000).optional(),
})
export type InstancesQuery = z.infer<typeof InstancesQuery>

export const Instances = z.object({
  instances: z.array(Instance),
  /** Null on the last page. */
  nextCursor: z.string().nullable(),
})

/** Body of `PATCH /api/pool/instances/:id`. */
export const InstanceChange = z
  .strictObject({
    /** It is not killed, drained, dismissed or recycled, by its claimer neither, and does not expire. */
    protected: z.boolean().optional(),
    /** When its agent ends by itself; null: never. */
    expiresAt: z.iso.datetime({ offset: true }).nullable().optional(),
  })
  .refine((body) => body.protected !== undefined || body.expiresAt !== undefined, 'give at least one of protected, expiresAt')
