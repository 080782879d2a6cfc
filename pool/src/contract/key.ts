import { z } from 'zod'
import { Role } from './session.ts'

const limit = z.number().int().min(1).max(1_000_000).nullable()

/** A named key, without the key. */
export const ApiKey = z.object({
  id: z.string(),
  name: z.string(),
  role: Role,
  /** How many claims it may make; null: as many as it likes. */
  claimsPerMinute: z.number().int().nullable(),
  claimsPerDay: z.number().int().nullable(),
  createdAt: z.string(),
  /** To the minute. */
  lastUsedAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
})
export type ApiKey = z.infer<typeof ApiKey>

/** `GET /api/keys`, newest first. */
export const ApiKeys = z.object({ keys: z.array(ApiKey) })

/** Body of `POST /api/keys`. */
export const KeyRequest = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(64)
    .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters'),
  role: Role,
  claimsPerMinute: limit.default(60),
  /** Claims that came to nothing do not count. */
  claimsPerDay: limit.default(null),
})

/** What `POST /api/keys` answers: the only time that the key itself is told. */
export const NewApiKey = ApiKey.extend({ key: z.string() })
