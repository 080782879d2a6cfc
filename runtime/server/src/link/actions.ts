/** `POST /link/actions` of the agent server, asked by the gateway with the link's token: what the agent does in its conversation. */
import { z } from 'zod'

export const ACTIONS_PATH = '/link/actions'

const MessageId = z.string().min(1).max(200)
const Name = z.string().trim().min(1).max(64)

/** A file that was encrypted and uploaded by somebody else already. */
const RemoteFile = z.object({
  url: z.url({ protocol: /^https?$/ }),
  contentDigest: z.string().min(1),
  secret: z.string().min(1),
  salt: z.string().min(1),
  nonce: z.string().min(1),
  contentLength: z.number().int().nonnegative(),
  filename: z.string().max(255).optional(),
})

export const LinkAction = z.discriminatedUnion('action', [
  /** `id`: asked for again under the same one, it is said once; without it each request is another message. */
  z.object({
    action: z.literal('send'),
    text: z.string().trim().min(1).max(16_000),
    replyTo: MessageId.optional(),
    id: z.string().min(1).max(100).optional(),
  }),
  z.object({
    action: z.literal('react'),
    messageId: MessageId,
    emoji: z.string().trim().min(1).max(32),
    remove: z.boolean().default(false),
  }),
  /** Either `path`, of a file on this box, absolute, or `remote`. Not repeatable: each request is another message. */
  z
    .object({
      action: z.literal('attach'),
      path: z.string().startsWith('/').optional(),
      mimeType: z.string().max(100).optional(),
      replyTo: MessageId.optional(),
      remote: RemoteFile.optional(),
    })
    .refine(({ path, remote }) => (path === undefined) !== (remote === undefined), { message: 'either path or remote' }),
  z.object({ action: z.literal('typing'), on: z.boolean() }),
  /** The conversation's title. */
  z.object({ action: z.literal('rename'), name: z.string().trim().min(1).max(200) }),
  /** The agent's own appearance in this conversation. */
  z.object({
    action: z.literal('update-profile'),
    name: Name.optional(),
    image: z.url({ protocol: /^https?$/ }).optional(),
    metadata: z.record(z.string().max(64), z.union([z.string().max(1_000), z.number(), z.boolean()])).optional(),
  }),
])
export type LinkAction = z.infer<typeof LinkAction>

/**
 * 200. `messageId`: the network's name for what was sent, where it gave one. Failures are problem+json: 409 `NOT_ATTACHED` (there
 * is no conversation), 422 `ACTION_REFUSED` (Convos would not do it), 504 `ACTION_UNCONFIRMED` (nobody knows whether it was done),
 * and for `send` 504 `SEND_PENDING` (it will be said; ask again with the same id), 502 `SEND_FAILED` (it was given up).
 */
export const LinkActionReply = z.object({ ok: z.literal(true), messageId: z.string().nullable() })
export type LinkActionReply = z.infer<typeof LinkActionReply>
