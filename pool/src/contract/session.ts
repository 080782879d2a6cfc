import { z } from 'zod'

export const Role = z.enum(['operator', 'claimer'])
export type Role = z.infer<typeof Role>

/** Body of `POST /api/session`. */
export const SessionRequest = z.union([
  z.strictObject({ key: z.string().min(1).max(512) }),
  z.strictObject({ loginCode: z.string().min(1).max(128) }),
])

export const Session = z.object({
  role: Role,
  expiresAt: z.string(),
  environment: z.string(),
  /** Who it is, as the log of events calls them: the `creatorId` of what it makes. */
  principal: z.string(),
  /** How the key is called that it was made from; null: it is the pool's own. */
  keyName: z.string().nullable().default(null),
})
export type Session = z.infer<typeof Session>

/** `POST /api/session/codes`: used once, as `/login#<code>`. */
export const LoginCode = z.object({ loginCode: z.string(), expiresAt: z.string() })
