import { z } from 'zod'

/** How a tool gets onto an instance: at creation, by us at a claim, or with the claimer's own credentials. */
export const Provisioning = z.enum(['always', 'pool', 'user'])

/** One entry of `GET /registry`. */
export const Tool = z.object({
  toolId: z.string(),
  name: z.string(),
  provisioning: z.array(Provisioning),
  /** False while its provider is not configured. */
  available: z.boolean(),
  /** JSON Schema of what a claimer must bring; null when nothing. */
  userConfig: z.record(z.string(), z.unknown()).nullable(),
})
export const RegistryReply = z.array(Tool)
