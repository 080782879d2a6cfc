import { z } from 'zod'

/** `GET /healthz` */
export const Health = z.object({ ok: z.literal(true) })

/** `GET /readyz` */
export const Readiness = z.object({
  ok: z.boolean(),
  stopping: z.boolean(),
  checks: z.object({ database: z.boolean(), services: z.boolean() }),
})
