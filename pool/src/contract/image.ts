import { z } from 'zod'

/** An image that was ever wanted or run. `image`: `name@sha256:…`, or `unresolved` for those that services chose by itself. */
export const Image = z.object({
  image: z.string(),
  digest: z.string().nullable(),
  /** What the configured tag means now. */
  wanted: z.boolean(),
  /** `untrusted`: nothing on it became ready yet; `bad`: its breaker is open or half open. */
  state: z.enum(['untrusted', 'trusted', 'bad']),
  breaker: z.enum(['closed', 'open', 'half_open']),
  /** Creations on it that failed in a row. */
  failures: z.number().int(),
  /** Nothing is created on it before. */
  retryAt: z.string().nullable(),
  trustedAt: z.string().nullable(),
  firstSeenAt: z.string(),
  /** Instances on it now, and how many of them are ready. */
  instances: z.number().int(),
  ready: z.number().int(),
})
export type Image = z.infer<typeof Image>

/** `GET /api/pool/images`, the latest first. */
export const Images = z.object({ wanted: z.string().nullable(), images: z.array(Image) })
export type Images = z.infer<typeof Images>
