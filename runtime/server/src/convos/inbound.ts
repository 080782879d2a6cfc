import { z } from 'zod'
import type { MessageEvent } from './events.ts'

/** Something that somebody else wrote, sent or marked, in words. */
export interface Inbound {
  id: string
  senderInboxId: string
  senderName: string
  fromAgent: boolean
  text: string
  /** RFC 3339. */
  sentAt: string
  /** The message that this one answers, or marks. */
  about?: string | undefined
  /** A mark on another message: heard, never answered. */
  isReaction?: true | undefined
}

/** Anybody may send more; the journal keeps dozens of messages. */
const TEXT_KEPT = 16_000
/** Of a name, a file's name, an emoji: what is longer is no such thing. */
const LABEL_KEPT = 300

const label = z
  .string()
  .transform((text) => text.slice(0, LABEL_KEPT).toWellFormed().replaceAll(/\s+/g, ' ').trim())
  .catch('')
const Reply = z.object({ content: z.unknown(), text: z.unknown(), reference: z.unknown(), referenceId: z.unknown() }).partial()
const Reaction = z
  .object({ content: label, emoji: label, action: z.unknown(), reference: z.unknown(), referenceId: z.unknown() })
  .partial()
const File = z.object({ filename: label, mimeType: label, path: label, url: label }).partial()

/** In words, and as XMTP numbers it. */
const TAKEN_BACK: ReadonlySet<unknown> = new Set(['removed', 'remove', 2])

/** As the command writes a reply: `reply to <id>: <text>`, where it knows what is answered with that in quotes and the id behind it. */
const REPLY = /^reply to (?:"[\s\S]*?" \(([^()\s]+)\)|([^\s:]+)): ([\s\S]*)$/
/** As it writes a reaction: `reacted 👍 to <id>`, `removed 👍 to <id>`. */
const REACTION = /^(reacted|removed) (.+) to (\S+)$/

/** Who wrote a message that does not say so. */
export const NOBODY = 'Someone'

interface Said {
  text: string
  about?: unknown
  isReaction?: true
}

/** How each content type reads; whatever is not listed (group updates, receipts, transactions …) is nothing to answer. */
const READ = new Map<string, (content: unknown, message: MessageEvent) => Said | null>(
  Object.entries({
    text: asText,
    markdown: asText,
    reply: asReply,
    reaction: asReaction,
    attachment: asFiles,
    remoteStaticAttachment: asFiles,
    remoteAttachment: asFiles,
    multiRemoteStaticAttachment: asFiles,
  }),
)

/** A message as an agent can understand it; null where there is nothing to understand. Never throws. */
export function inbound(message: MessageEvent): Inbound | null {
  const { id, senderInboxId, senderProfile, contentType, content, sentAt } = message
  const said = READ.get(contentType ?? 'text')?.(content, message)
  if (!said || said.text.trim() === '') return null
  const about = z
    .string()
    .min(1)
    .safeParse(said.about ?? message.replyTo)
  return {
    id,
    senderInboxId,
    senderName: nameOf(senderProfile?.name) ?? NOBODY,
    fromAgent: senderProfile?.kind === 'agent',
    text: kept(said.text),
    sentAt,
    ...(about.success && { about: about.data }),
    ...(said.isReaction && { isReaction: true }),
  }
}

/** As much of a text as is kept. */
export const kept = (text: string): string => text.slice(0, TEXT_KEPT).toWellFormed()

/** A name that can be shown; null where there is none. */
export const nameOf = (name: unknown): string | null => label.parse(name) || null

function asText(content: unknown): Said | null {
  return typeof content === 'string' ? { text: content } : null
}

/** Its text alone, or together with what it answers; what is sent in answer may again be a file. */
function asReply(content: unknown, message: MessageEvent): Said | null {
  if (typeof content === 'string') {
    const [, quoted, bare, text = content] = REPLY.exec(content) ?? []
    return { text, about: quoted ?? bare }
  }
  const { data } = Reply.safeParse(content)
  const said = asText(data?.content) ?? asText(data?.text) ?? asFiles(data?.content, message)
  return said && { ...said, about: data?.reference ?? data?.referenceId }
}

function asReaction(content: unknown): Said | null {
  const { data } = Reaction.safeParse(typeof content === 'string' ? reactionIn(content) : content)
  const emoji = data?.content || data?.emoji
  if (!emoji) return null
  const isTakenBack = TAKEN_BACK.has(data.action)
  const text = isTakenBack ? `(took back the reaction ${emoji})` : `(reacted with ${emoji})`
  return { text, about: data.reference ?? data.referenceId, isReaction: true }
}

function reactionIn(text: string) {
  const [, action, content = text, reference] = REACTION.exec(text) ?? []
  return { action, content, reference }
}

function asFiles(content: unknown, { remoteAttachment, multiRemoteAttachment }: Partial<MessageEvent>): Said | null {
  const remote = multiRemoteAttachment?.attachments ?? (remoteAttachment ? [remoteAttachment] : [])
  const files = remote.length > 0 ? remote : [content]
  const texts = files.map(asFile).filter((text) => text !== null)
  return texts.length > 0 ? { text: texts.join('\n') } : null
}

function asFile(file: unknown): string | null {
  const { data } = File.safeParse(typeof file === 'string' ? { filename: file } : file)
  if (!data) return null
  const facts = [data.filename || 'without a name', data.mimeType, data.path || data.url].filter(Boolean)
  return `(sent a file: ${facts.join(', ')})`
}
