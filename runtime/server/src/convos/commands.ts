import type { FailedEvent, SentEvent } from './events.ts'

/** What `convos agent serve` confirms, or fails to do, in words of its stdin. */
export type Command =
  | { type: 'send'; id: string; text: string; replyTo?: string | undefined }
  | { type: 'react'; messageId: string; emoji: string; action: 'add' | 'remove' }
  | { type: 'attach'; file: string; mimeType?: string | undefined; replyTo?: string | undefined }
  | {
      type: 'remote-attach'
      url: string
      contentDigest: string
      secret: string
      salt: string
      nonce: string
      contentLength: number
      filename?: string | undefined
      scheme?: string | undefined
    }
  | { type: 'rename'; name: string }
  | {
      type: 'update-profile'
      name?: string | undefined
      image?: string | undefined
      metadata?: Record<string, string | number | boolean> | undefined
    }
  | { type: 'lock' }
  | { type: 'unlock' }
  | { type: 'explode'; scheduled?: string | undefined }

/** What passes and is worth no waiting: nobody is told whether it arrived. */
export type Whisper =
  | { type: 'typing'; isTyping: boolean }
  | { type: 'read-receipt' }
  | { type: 'thinking'; state: 'start' | 'stop'; targetMessageId: string; content: string; resultMessageId?: string | undefined }

const WHISPERS: ReadonlySet<string> = new Set<Whisper['type']>(['typing', 'read-receipt', 'thinking'])

/** The same act is called by its command or by what it leads to: `react` or `reaction`, `remote-attach` or `remoteAttachment`. */
const family = (type: string) =>
  type
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/(ion|ment)$/, '')

/**
 * Which of the commands under way this confirms. A text is known by the id it was sent under, or by itself; everything else by
 * its type, or by there being nothing else it could be. Commands of one type are confirmed in the order in which they were given.
 */
export function confirmed(underWay: readonly Command[], event: SentEvent): Command | undefined {
  const sends = underWay.filter((command) => command.type === 'send')
  const send = sends.find(({ id }) => id === event.id) ?? sends.find(({ text }) => text === event.text)
  if (send || typeof event.text === 'string') return send
  const type = event.type ?? ''
  const others = underWay.filter((command) => command.type !== 'send')
  const ofType = others.find((command) => family(command.type) === family(type))
  return ofType ?? (others.length === 1 && !WHISPERS.has(type) ? others[0] : undefined)
}

/** The command's words when it has nowhere to put files; it does not say what they are about. */
const NO_UPLOAD = 'Configure an upload provider'

/** Which of the commands under way this is the failure of; a failure that names none may be of anything. */
export function refused(underWay: readonly Command[], event: FailedEvent): Command | undefined {
  const id = event.id ?? event.command?.id
  if (id) return underWay.find((command) => command.type === 'send' && command.id === id)
  const type = event.type ?? event.command?.type ?? (event.message.startsWith(NO_UPLOAD) ? 'attach' : null)
  return type ? underWay.find((command) => family(command.type) === family(type)) : undefined
}
