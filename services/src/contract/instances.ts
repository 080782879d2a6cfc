import { z } from 'zod'

export const InstanceId = z.string().regex(/^[a-z0-9]{12}$/, 'must be 12 lower-case letters or digits')

/** An image is always named with its digest. */
export const ImageRef = z.string().regex(/^[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}$/, 'must be name@sha256:<digest>')

/** `POST /create-instance`: 202 once the ledger row exists, 201 with the url if it already has one, 410 for a destroyed id. */
export const CreateInstanceRequest = z.object({ instanceId: InstanceId, image: ImageRef.optional() })
export const CreateInstanceReply = z.object({ instanceId: z.string(), url: z.string().nullable() })

/** `DELETE /destroy/:instanceId`: 200 when everything is confirmed gone, 202 while it is not. */
export const DestroyReply = z.object({ ok: z.boolean() })

/** `state` follows the ledger: creating | active | user_provided | destroying | destroyed | retained | failed. */
export const ToolState = z.object({ toolId: z.string(), resourceId: z.string().nullable(), state: z.string() })
export type ToolState = z.infer<typeof ToolState>

export const Step = z.object({
  name: z.string(),
  state: z.enum(['started', 'done', 'failed', 'undone', 'undo_failed']),
  attempts: z.number().int(),
  startedAt: z.string(),
  ms: z.number().nullable(),
  error: z.string().nullable(),
})

/** `GET /instances?after=&limit=`: every instance that is wished for, by id; `next` goes on after it, null at the end. */
export const InstancesQuery = z.object({
  after: InstanceId.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
})
export const KnownInstance = z.object({
  instanceId: z.string(),
  createdAt: z.string(),
  /** For people, `<words>-<instanceId>`: its agent's, once it is somebody's. */
  name: z.string().nullable(),
  /** The claim that it was last configured for. */
  claimId: z.string().nullable(),
})
export type KnownInstance = z.infer<typeof KnownInstance>
export const InstancesReply = z.object({ instances: z.array(KnownInstance), next: z.string().nullable() })

/** `GET /instances/:id` */
export const InstanceReply = z.object({
  instanceId: z.string(),
  state: z.string(),
  wish: z.enum(['present', 'absent']),
  url: z.string().nullable(),
  image: z.string().nullable(),
  /** What it is on its way to; null when nowhere else. */
  wantedImage: z.string().nullable(),
  /** Why the latest redeploy is not what was wished for; null when it is. */
  rolloutError: z.string().nullable(),
  tools: z.array(ToolState),
  steps: z.array(Step),
  /** Of what is being tried now, in a row. */
  attempts: z.number().int(),
  /** Why the runner is not getting on, if it is not. */
  error: z.string().nullable(),
  nextRunAt: z.string().nullable(),
  /** What its provider can do besides. */
  capabilities: z.object({ recycle: z.boolean() }),
})
export type InstanceReply = z.infer<typeof InstanceReply>

/** `GET /instances/:id/gateway` */
export const GatewayReply = z.object({ gatewayUrl: z.string(), gatewayToken: z.string() })
export type GatewayReply = z.infer<typeof GatewayReply>

/** `POST /configure/:instanceId`; a repeat with the same claimId answers the same, another claim's box is a 409 `FOREIGN_CLAIM`. */
export const ConfigureRequest = z.object({
  claimId: z.string().min(1).max(64),
  agentName: z.string().min(1).max(64),
  instructions: z.string().max(64 * 1024),
  model: z.string().min(1).max(200).nullable(),
  joinUrl: z.string().max(4096).nullish(),
  owner: z.object({ address: z.string().nullable(), inboxId: z.string().nullable() }).nullable(),
  templateId: z.string().nullable(),
  allowedTools: z.array(z.string()),
})
export type ConfigureRequest = z.infer<typeof ConfigureRequest>

export const ConfigureReply = z.object({
  ok: z.literal(true),
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  joined: z.boolean(),
  status: z.enum(['active', 'pending']),
  gatewayUrl: z.string(),
  gatewayToken: z.string(),
})
export type ConfigureReply = z.infer<typeof ConfigureReply>

/** `PATCH /configure/:instanceId` keeps the conversation, and what is absent; `model: null` is the image's own model. */
export const ReconfigureRequest = z.object({
  agentName: z.string().min(1).max(64).optional(),
  instructions: z
    .string()
    .max(64 * 1024)
    .optional(),
  model: z.string().min(1).max(200).nullable().optional(),
})

/** `POST /cancel/:instanceId` */
export const CancelRequest = z.object({ claimId: z.string().min(1).max(64) })
export const CancelReply = z.object({ joined: z.boolean() })

/** `GET /image`: what the configured tag resolves to now; `image` (`name@sha256:…`) and `digest` are null while it cannot be resolved. */
export const ImageReply = z.object({
  ref: z.string(),
  image: z.string().nullable(),
  digest: z.string().nullable(),
  resolvedAt: z.string().nullable(),
})
