import { z } from 'zod'

const typeOf = z.union([z.string(), z.object({ typeId: z.string() }).transform(({ typeId }) => typeId)])

const Ready = z.object({
  event: z.literal('ready'),
  conversationId: z.string().min(1),
  inboxId: z.string().min(1),
  name: z.string().nullish(),
  inviteUrl: z.string().nullish(),
})

const Message = z.object({
  event: z.literal('message'),
  id: z.string().min(1),
  senderInboxId: z.string(),
  senderProfile: z.object({ name: z.string().nullish(), kind: z.string().nullish() }).nullish(),
  contentType: typeOf.nullish(),
  content: z.unknown(),
  sentAt: z.string(),
})

/** `type` names what else but a text was sent. */
const Sent = z.object({
  event: z.literal('sent'),
  id: z.string().nullish(),
  text: z.string().nullish(),
  type: z.string().nullish(),
})
const Failed = z.object({ event: z.literal('error'), message: z.string(), id: z.string().nullish() })

/** What `convos agent serve` tells on stdout, as far as the agent server listens. */
export const CliEvent = z.discriminatedUnion('event', [
  Ready,
  Message,
  z.object({ event: z.literal('member_joined'), inboxId: z.string() }),
  Sent,
  z.object({ event: z.literal('heartbeat') }),
  Failed,
])
export type CliEvent = z.infer<typeof CliEvent>
export type ReadyEvent = z.infer<typeof Ready>

/** A text that somebody else wrote. */
export interface Inbound {
  id: string
  senderInboxId: string
  senderName: string
  fromAgent: boolean
  text: string
  sentAt: string
}

const KNOWN: ReadonlySet<string> = new Set(['ready', 'message', 'member_joined', 'sent', 'heartbeat', 'error'])

/** One line of stdout: an event, one of those that do not concern us, or something that is no event at all. Never throws. */
export function readLine(line: string): { kind: 'event'; event: CliEvent } | { kind: 'ignored' } | { kind: 'garbage' } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { kind: 'garbage' }
  }
  const named = z.object({ event: z.string() }).safeParse(value)
  if (!named.success) return { kind: 'garbage' }
  if (!KNOWN.has(named.data.event)) return { kind: 'ignored' }
  const parsed = CliEvent.safeParse(value)
  return parsed.success ? { kind: 'event', event: parsed.data } : { kind: 'garbage' }
}

/** Anybody may send more; the journal, which holds dozens of messages, is written as a whole at each step. */
const TEXT_KEPT = 16_000
const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'markdown', 'reply'])

/** The message as text to answer; null for reactions, attachments and the like. */
export function inboundText(message: z.infer<typeof Message>): Inbound | null {
  const { id, senderInboxId, senderProfile, contentType, content, sentAt } = message
  if (typeof content !== 'string' || content.trim() === '') return null
  if (contentType && !TEXT_TYPES.has(contentType)) return null
  const senderName = senderProfile?.name?.trim() || 'Someone'
  return {
    id,
    senderInboxId,
    senderName,
    fromAgent: senderProfile?.kind === 'agent',
    text: content.slice(0, TEXT_KEPT).toWellFormed(),
    sentAt,
  }
}
