import { z } from 'zod'

/** An XMTP inbox id and a conversation id look like this. */
export const InboxId = z.string().regex(/^[0-9a-f]{64}$/, 'not an inbox id')
export const ConversationId = z.string().regex(/^[0-9a-f]{32}$/, 'not a conversation id')

export const Kind = z.enum(['agent', 'person'])
export const DisplayName = z.string().trim().min(1).max(100)

export const Member = z.object({
  inboxId: InboxId,
  name: DisplayName,
  kind: Kind,
  joinedAt: z.string(),
  /** The position in the log at which this member came in: what follows is addressed to it too. */
  joinedSeq: z.number(),
})
export type Member = z.infer<typeof Member>

export const Message = z.object({
  id: z.string(),
  senderInboxId: InboxId,
  senderName: z.string(),
  senderKind: Kind,
  text: z.string(),
  replyTo: z.string().optional(),
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
    z.object({ type: z.literal('profile_updated'), inboxId: InboxId, name: DisplayName }),
    z.object({ type: z.literal('conversation_updated'), name: z.string() }),
  ]),
)
export type LogEntry = z.infer<typeof LogEntry>

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
})
export type Conversation = z.infer<typeof Conversation>

export const messagesOf = (conversation: Conversation): Message[] =>
  conversation.log.flatMap((entry) => (entry.type === 'message' ? [entry.message] : []))
