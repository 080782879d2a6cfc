import { z } from 'zod'

/** An XMTP inbox id and a conversation id look like this. */
export const InboxId = z.string().regex(/^[0-9a-f]{64}$/, 'not an inbox id')
export const ConversationId = z.string().regex(/^[0-9a-f]{32}$/, 'not a conversation id')

export const Kind = z.enum(['agent', 'person'])
export const DisplayName = z.string().trim().min(1).max(100)

/** What a member tells of itself, other than name and image. */
export const Metadata = z.record(z.string().max(64), z.union([z.string(), z.number(), z.boolean()]))

export const Member = z.object({
  inboxId: InboxId,
  name: DisplayName,
  kind: Kind,
  joinedAt: z.string(),
  /** The position in the log at which this member came in: what follows is addressed to it too. */
  joinedSeq: z.number(),
  image: z.string().optional(),
  metadata: Metadata.optional(),
})
export type Member = z.infer<typeof Member>

/** A file that was sent: where it is, and what it claims to be. */
export const Attachment = z.object({
  url: z.url({ protocol: /^https?$/ }),
  filename: z.string().min(1).max(255),
  mimeType: z.string().min(1).max(100).default('application/octet-stream'),
  size: z.int().min(0),
})
export type Attachment = z.infer<typeof Attachment>

/** `text` of a file is its name. */
export const Message = z.object({
  id: z.string(),
  senderInboxId: InboxId,
  senderName: z.string(),
  senderKind: Kind,
  text: z.string(),
  replyTo: z.string().optional(),
  attachment: Attachment.optional(),
  sentAt: z.string(),
})
export type Message = z.infer<typeof Message>

/** What happens in a conversation, in the order in which everyone sees it. */
export const LogEntry = z.intersection(
  z.object({ seq: z.number() }),
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('message'), message: Message }),
    z.object({
      type: z.literal('reaction'),
      messageId: z.string(),
      inboxId: InboxId,
      emoji: z.string(),
      action: z.enum(['added', 'removed']),
    }),
    z.object({ type: z.literal('member_joined'), member: Member }),
    z.object({ type: z.literal('member_left'), inboxId: InboxId }),
    z.object({
      type: z.literal('profile_updated'),
      inboxId: InboxId,
      name: DisplayName,
      kind: Kind.optional(),
      image: z.string().optional(),
      metadata: Metadata.optional(),
    }),
    z.object({ type: z.literal('conversation_updated'), name: z.string() }),
    /** A member ends the conversation for everybody. */
    z.object({ type: z.literal('exploded'), inboxId: InboxId, expiresAt: z.string(), at: z.string() }),
  ]),
)
export type LogEntry = z.infer<typeof LogEntry>

/** What passes: those who look at that moment see it, and it is nowhere afterwards. */
export const Signal = z.discriminatedUnion('type', [
  z.object({ type: z.literal('typing'), inboxId: InboxId, isTyping: z.boolean() }),
  z.object({ type: z.literal('read'), inboxId: InboxId }),
  z.object({
    type: z.literal('thinking'),
    inboxId: InboxId,
    state: z.enum(['start', 'stop']),
    targetMessageId: z.string(),
    content: z.string(),
    resultMessageId: z.string().optional(),
  }),
])
export type Signal = z.infer<typeof Signal>

export const Approval = z.enum(['auto', 'manual'])

/** Someone who asked to be let in where that takes a member's word. */
export const JoinRequest = z.object({
  inboxId: InboxId,
  name: DisplayName,
  kind: Kind,
  requestedAt: z.string(),
  refused: z.boolean(),
})
export type JoinRequest = z.infer<typeof JoinRequest>

export const Conversation = z.object({
  id: ConversationId,
  name: z.string(),
  description: z.string(),
  createdAt: z.string(),
  creatorInboxId: InboxId,
  invite: z.object({ slug: z.string(), tag: z.string() }),
  approval: Approval,
  locked: z.boolean(),
  members: z.array(Member),
  requests: z.array(JoinRequest),
  log: z.array(LogEntry),
  /** From then on nobody is in it any more. */
  expiresAt: z.string().nullable().default(null),
  /** What was uploaded here, by its id; `data` is base64. */
  files: z.record(z.string(), z.object({ mimeType: z.string(), filename: z.string(), data: z.string() })).default({}),
})
export type Conversation = z.infer<typeof Conversation>

export const messagesOf = (conversation: Conversation): Message[] =>
  conversation.log.flatMap((entry) => (entry.type === 'message' ? [entry.message] : []))
