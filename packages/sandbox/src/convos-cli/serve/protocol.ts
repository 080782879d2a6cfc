import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { DisplayName, type LogEntry, type Message, Metadata, type Signal } from '../../simulators/convos/model.ts'
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
  z.object({
    type: z.literal('attach'),
    file: z.string().min(1),
    mimeType: z.string().optional(),
    replyTo: z.string().optional(),
  }),
  z.object({
    type: z.literal('remote-attach'),
    url: z.string(),
    contentDigest: z.string(),
    secret: z.string(),
    salt: z.string(),
    nonce: z.string(),
    contentLength: z.int().min(0),
    filename: z.string().optional(),
    scheme: z.string().optional(),
  }),
  z.object({
    type: z.literal('update-profile'),
    name: DisplayName.optional(),
    image: z.string().optional(),
    metadata: Metadata.optional(),
  }),
  z.object({ type: z.literal('lock') }),
  z.object({ type: z.literal('unlock') }),
  z.object({ type: z.literal('explode'), scheduled: z.iso.datetime({ offset: true }).optional() }),
  z.object({ type: z.literal('typing'), isTyping: z.boolean().default(true) }),
  z.object({ type: z.literal('read-receipt') }),
  z.object({
    type: z.literal('thinking'),
    state: z.enum(['start', 'stop']),
    targetMessageId: z.string().min(1),
    content: z.string(),
    resultMessageId: z.string().optional(),
  }),
  z.object({ type: z.literal('stop') }),
])
export type Command = z.infer<typeof Command>

/** What is written to stdout, one JSON object to a line. */
export type ServeEvent = {
  event:
    | 'ready'
    | 'message'
    | 'member_joined'
    | 'sent'
    | 'heartbeat'
    | 'error'
    | 'typing'
    | 'read_receipt'
    | 'thinking'
    | 'profile_update'
    | 'explode_notice'
} & Record<string, unknown>

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

/** What an agent hears of a log entry: what others said, sent, marked and changed, and who came; nothing of its own. */
export function heardEvent(entry: LogEntry, p: { me: string; conversationId: string; catchup: boolean }): ServeEvent | null {
  const { conversationId } = p
  const late = p.catchup && { catchup: true }
  switch (entry.type) {
    case 'message': {
      const { id, senderInboxId, senderName, senderKind, sentAt } = entry.message
      if (senderInboxId === p.me) return null
      const senderProfile = { name: senderName, kind: senderKind }
      const sender = { id, senderInboxId, senderProfile }
      return { event: 'message', ...sender, ...contentOf(entry.message), sentAt, deliveryStatus: 'published', ...late }
    }
    case 'reaction': {
      const { seq, messageId, inboxId, emoji, action } = entry
      if (inboxId === p.me) return null
      const content = `${action === 'added' ? 'reacted' : 'removed'} ${emoji} to ${messageId}`
      const sender = { id: `${messageId}-${seq}`, senderInboxId: inboxId }
      return { event: 'message', ...sender, contentType: xmtp('reaction'), content, sentAt: timestamp(), ...late }
    }
    case 'member_joined': {
      const { inboxId, joinedAt } = entry.member
      return inboxId === p.me ? null : { event: 'member_joined', inboxId, conversationId, timestamp: joinedAt }
    }
    case 'profile_updated': {
      const { seq, inboxId, name, kind, metadata } = entry
      if (inboxId === p.me) return null
      const about = {
        id: `${inboxId}-${seq}`,
        senderInboxId: inboxId,
        conversationId,
        name,
        memberKind: kind === 'agent' ? 1 : 2,
        ...(metadata && { metadata }),
      }
      return { event: 'profile_update', ...about, sentAt: timestamp(), ...late }
    }
    case 'exploded': {
      const { inboxId, expiresAt, at } = entry
      return inboxId === p.me
        ? null
        : { event: 'explode_notice', conversationId, senderInboxId: inboxId, expiresAt, sentAt: at, ...late }
    }
    default:
      return null
  }
}

/** What an agent sees of others at the moment in which it happens. */
export function seenEvent(signal: Signal, p: { me: string; conversationId: string }): ServeEvent | null {
  const { type, inboxId, ...rest } = signal
  if (inboxId === p.me) return null
  const about = { senderInboxId: inboxId, conversationId: p.conversationId }
  if (type === 'typing') return { event: 'typing', ...about, ...rest, timestamp: timestamp() }
  return { event: type === 'read' ? 'read_receipt' : 'thinking', id: randomUUID(), ...about, ...rest, sentAt: timestamp() }
}

/** Type and content of a message, as the real command writes them. */
export function contentOf({ text, replyTo, attachment }: Message) {
  if (attachment) {
    const { url, filename, size } = attachment
    // files are not encrypted here, so there is no key to them
    const remoteAttachment = {
      url,
      filename,
      contentLength: size,
      contentDigest: '',
      scheme: 'https://',
      secret: '',
      salt: '',
      nonce: '',
    }
    return { contentType: xmtp('remoteStaticAttachment'), content: filename, remoteAttachment }
  }
  if (replyTo !== undefined) return { contentType: xmtp('reply'), content: `reply to ${replyTo}: ${text}` }
  return { contentType: xmtp('text'), content: text }
}

const xmtp = (typeId: string) => ({ authorityId: 'xmtp.org', typeId, versionMajor: 1, versionMinor: 0 })

export const errorEvent = (message: string, about: object = {}): ServeEvent => ({
  event: 'error',
  message,
  ...about,
  timestamp: timestamp(),
})

export const timestamp = () => new Date().toISOString()
