import { z } from 'zod'

/** `text`, `xmtp.org/text:1.0` or `{authorityId, typeId, …}`: all the same type. */
const typeOf = z
  .union([z.string(), z.object({ typeId: z.string() }).transform(({ typeId }) => typeId)])
  .transform((type) => type.replace(/^.*\//, '').replace(/:[\d.]+$/, ''))

/** What of a file that lies elsewhere may be told on; the keys to it are not among it. */
const RemoteFile = z.object({
  url: z.string().nullish(),
  filename: z.string().nullish(),
  mimeType: z.string().nullish(),
  contentLength: z.number().nullish(),
})

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
  senderProfile: z
    .object({ name: z.string().nullish().catch(null), kind: z.string().nullish().catch(null) })
    .nullish()
    .catch(null),
  contentType: typeOf.nullish(),
  content: z.unknown().optional(),
  replyTo: z.string().nullish().catch(null),
  remoteAttachment: RemoteFile.nullish().catch(null),
  multiRemoteAttachment: z
    .object({ attachments: z.array(RemoteFile) })
    .nullish()
    .catch(null),
  sentAt: z.string(),
})
export type MessageEvent = z.infer<typeof Message>

/** A message as `convos conversation messages` lists it. */
export const ListedMessage = Message.omit({ event: true }).transform((message) => ({ ...message, event: 'message' as const }))

/** Answers a command of stdin; `text` where a text was sent. */
const Sent = z.object({
  event: z.literal('sent'),
  id: z.string().nullish(),
  text: z.string().nullish(),
  type: z.string().nullish(),
})
export type SentEvent = z.infer<typeof Sent>

/** About a command of stdin where it names one by `id` or `type`, or repeats it, else about anything. */
const Failed = z.object({
  event: z.literal('error'),
  message: z.string(),
  id: z.string().nullish().catch(null),
  type: z.string().nullish().catch(null),
  command: z
    .object({ id: z.string().nullish().catch(null), type: z.string().nullish().catch(null) })
    .nullish()
    .catch(null),
})
export type FailedEvent = z.infer<typeof Failed>

/** A member ends the conversation for everybody: at `expiresAt`, or at once where that is not given. */
const ExplodeNotice = z.object({
  event: z.literal('explode_notice'),
  senderInboxId: z.string().nullish().catch(null),
  expiresAt: z.string().nullish(),
})
export type ExplodeNotice = z.infer<typeof ExplodeNotice>

/** A member told something new of itself; `memberKind` 1 is an agent, 2 a person. */
const ProfileUpdate = z.object({
  event: z.literal('profile_update'),
  senderInboxId: z.string(),
  name: z.string().nullish().catch(null),
  memberKind: z.number().nullish().catch(null),
})
export type ProfileUpdate = z.infer<typeof ProfileUpdate>

/** Everything that `convos agent serve` tells on stdout and an agent server acts on. */
const CliEvent = z.discriminatedUnion('event', [
  Ready,
  Message,
  z.object({ event: z.literal('member_joined'), inboxId: z.string() }),
  Sent,
  z.object({ event: z.literal('heartbeat') }),
  Failed,
  ExplodeNotice,
  ProfileUpdate,
])
export type CliEvent = z.infer<typeof CliEvent>
export type ReadyEvent = z.infer<typeof Ready>

const KNOWN: ReadonlySet<string> = new Set(CliEvent.options.map(({ shape }) => shape.event.value))

/**
 * One line of stdout: an event, one that asks nothing of us (who is typing or has read, what devices and accounts
 * tell, whatever later versions add), or something that is no event at all. Never throws.
 */
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
