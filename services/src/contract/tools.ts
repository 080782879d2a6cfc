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

/** `POST /validate/:toolId`: 200 when the provider accepts the credentials, 422 `USER_CONFIG_REJECTED` with the fields when not. */
export const ValidateRequest = z.object({ userConfig: z.unknown() })

/** Whose claim asks: 409 `FOREIGN_CLAIM` once the instance is bound to another; absent from an older pool, and whoever it is for. */
export const ForClaim = z.object({ claimId: z.string().min(1).max(64).optional() })

/** `POST /provision/:instanceId/:toolId`; with `userConfig` the claimer's own credentials are given to it instead. */
export const ProvisionToolRequest = ForClaim.extend({ userConfig: z.unknown().optional() })

/** 200 once it is there; 202 while it is still being made, with `resourceId: null`. Nothing in it is secret. */
export const ProvisionToolReply = z.object({
  toolId: z.string(),
  resourceId: z.string().nullable(),
  config: z.record(z.string(), z.unknown()),
  /** creating | active | user_provided | destroying | destroyed | retained | failed */
  state: z.string(),
  /** Why it is not getting on, if it is not. */
  error: z.string().nullable(),
})
export type ProvisionToolReply = z.infer<typeof ProvisionToolReply>

/** In place of a resource id: whatever the instance has of the tool now, also what never got an id. */
export const ANY_RESOURCE = '_'

/** `PATCH /provision/:instanceId/:toolId`: what the tool's own `update` takes, e.g. `{"limit": 50}`. */
export const UpdateToolRequest = z.record(z.string(), z.unknown())

/** `GET /provision/:instanceId/:toolId`: with what was used of it, as of `at`, at most five minutes old; null where nothing is measured. */
export const ToolReply = ProvisionToolReply.extend({
  usage: z.object({ at: z.string(), sample: z.record(z.string(), z.unknown()) }).nullable(),
})
export type ToolReply = z.infer<typeof ToolReply>
