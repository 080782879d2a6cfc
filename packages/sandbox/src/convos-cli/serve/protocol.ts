import { z } from 'zod'
import { DisplayName, type LogEntry } from '../../simulators/convos/model.ts'
import type { ConversationView } from '../../simulators/convos/views.ts'
import type { Identity } from '../home.ts'

/** What may be written to stdin, one JSON object to a line. */
export const Command = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('send'),
    text: z.string().min(1),
    replyTo: z.string().optional(),
    /** Becomes the message's id: sent again under the same one, it is stored once. */
    id: z.string().min(1).max(128).optional(),
  }),
  z.object({
    type: z.literal('react'),
    messageId: z.string().min(1),
    emoji: z.string().min(1),
    action: z.enum(['add', 'remove']).default('add'),
  }),
  z.object({ type: z.literal('rename'), name: z.string() }),
  z.object({ type: z.literal('update-profile'), name: DisplayName.optional() }),
  z.object({ type: z.literal('lock') }),
  z.object({ type: z.literal('unlock') }),
  z.object({ type: z.literal('typing') }),
  z.object({ type: z.literal('read-receipt') }),
  z.object({ type: z.literal('stop') }),
])
export type Command = z.infer<typeof Command>

/** What is written to stdout, one JSON object to a line. */
export type ServeEvent = { event: 'ready' | 'message' | 'member_joined' | 'sent' | 'heartbeat' | 'error' } & Record<
  string,
  unknown
>

export function readyEvent(conversation: ConversationView, identity: Identity, withInvite: boolean): ServeEvent {
  const { url, slug, tag } = conversation.invite
  return {
    event: 'ready',
    conversationId: conversation.id,
    identityId: identity.id,
    inboxId: identity.inboxId,
    address: identity.address,
    name: conversation.name,
    ...(withInvite && { inviteUrl: url, inviteSlug: slug, inviteTag: tag }),
    timestamp: timestamp(),
  }
}

/** What an agent hears of a log entry: messages and arrivals of others, nothing of its own. */
export function heardEvent(entry: LogEntry, p: { me: string; conversationId: string; catchup: boolean }): ServeEvent | null {
  if (entry.type === 'message' && entry.message.senderInboxId !== p.me) {
    const { id, senderInboxId, senderName, senderKind, text, sentAt } = entry.message
    return {
      event: 'message',
      id,
      senderInboxId,
      senderProfile: { name: senderName, kind: senderKind },
      contentType: { authorityId: 'xmtp.org', typeId: 'text', versionMajor: 1, versionMinor: 0 },
      content: text,
      sentAt,
      deliveryStatus: 'published',
      ...(p.catchup && { catchup: true }),
    }
  }
  if (entry.type === 'member_joined' && entry.member.inboxId !== p.me) {
    return {
      event: 'member_joined',
      inboxId: entry.member.inboxId,
      conversationId: p.conversationId,
      timestamp: entry.member.joinedAt,
    }
  }
  return null
}

export const errorEvent = (message: string, about: object = {}): ServeEvent => ({
  event: 'error',
  message,
  ...about,
  timestamp: timestamp(),
})

export const timestamp = () => new Date().toISOString()
