import { z } from 'zod'
import { Tool } from './instance.ts'

/** Query of `GET /api/pool/instances/:id/logs`. */
export const LogsQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) })

/** The newest lines of its latest deployment, oldest first. */
export const InstanceLogs = z.object({
  deploymentId: z.string().nullable(),
  lines: z.array(z.object({ at: z.string(), severity: z.string().nullable(), message: z.string() })),
})

/** `GET /api/pool/debug/:id`: asked afresh, at the provider and of the instance itself. */
export const InstanceDebug = z.object({
  instanceId: z.string(),
  state: z.string(),
  deployment: z.object({ id: z.string(), verdict: z.string(), image: z.string().nullable() }).nullable(),
  /** Why the provider could not be asked; null when it was. */
  deploymentError: z.string().nullable(),
  probe: z
    .object({ ms: z.number(), health: z.record(z.string(), z.unknown()).nullable(), error: z.string().nullable() })
    .nullable(),
})

/** `PATCH /api/pool/instances/:id/tools/:toolId` takes what the tool's own provider lets be changed, e.g. `{"limit": 50}`. */
export const ToolChange = z.record(z.string(), z.unknown())

/** A tool of an instance, without its secrets. */
export const ToolSettings = Tool.extend({
  config: z.record(z.string(), z.unknown()),
  /** Why it is not getting on, if it is not. */
  error: z.string().nullable(),
})

/** With what was used of it, as of `at`, at most five minutes old; null where nothing is measured. */
export const ToolUsage = ToolSettings.extend({
  usage: z.object({ at: z.string(), sample: z.record(z.string(), z.unknown()) }).nullable(),
})
