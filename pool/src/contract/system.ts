import { z } from 'zod'

/** `GET /healthz` */
export const Health = z.object({ ok: z.literal(true) })

const Build = z.object({
  version: z.string(),
  commit: z.string(),
  /** The newest migration of its database. */
  schema: z.string(),
})

/** `GET /api/pool/versions`; `services` is null where it does not answer, or is older than this question. */
export const Versions = z.object({ pool: Build, services: Build.nullable() })

/** `GET /readyz` */
export const Readiness = z.object({
  ok: z.boolean(),
  stopping: z.boolean(),
  checks: z.object({ database: z.boolean(), services: z.boolean() }),
})
