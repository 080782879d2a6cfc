import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { without } from '../core/without.ts'
import type { Attachment, Message } from './model.ts'
import type { MailStore } from './store.ts'

const PREVIEW_LENGTH = 100

const Addresses = z.union([z.string().min(1), z.array(z.string().min(1))]).transform((given) => [given].flat())
const SentAttachment = z.object({
  filename: z.string().optional(),
  content_type: z.string().optional(),
  /** Base64. */
  content: z.string().optional(),
})

/** What a sender writes. */
export const Draft = z.object({
  labels: z.array(z.string()).default([]),
  reply_to: Addresses.optional(),
  to: Addresses.default([]),
  cc: Addresses.optional(),
  bcc: Addresses.optional(),
  subject: z.string().optional(),
  text: z.string().optional(),
  html: z.string().optional(),
  attachments: z.array(SentAttachment).optional(),
})
export type Draft = z.infer<typeof Draft>

/** An answer also says what it answers. */
export type Outgoing = Draft & Pick<Message, 'in_reply_to' | 'references'>

/** One mail on its way: the same for everybody who gets it. */
export type Mail = Omit<Outgoing, 'labels' | 'attachments'> & {
  message_id: string
  from: string
  attachments?: Attachment[] | undefined
}

export const newMessageId = (domain: string) => `<${randomUUID()}@${domain}>`

/** The bare address in `Name <user@host>`. */
const addressIn = (text: string) => (/<([^>]+)>\s*$/.exec(text)?.[1] ?? text).trim().toLowerCase()

export const recipientsOf = ({ to, cc, bcc }: Pick<Mail, 'to' | 'cc' | 'bcc'>) => [...to, ...(cc ?? []), ...(bcc ?? [])]

/** Attachments are described, not kept: nobody downloads them here. */
export function describeAttachments(attachments: Draft['attachments']): Attachment[] | undefined {
  return attachments?.map(({ content = '', ...rest }) => ({
    ...rest,
    attachment_id: randomUUID(),
    size: Buffer.byteLength(content, 'base64'),
  }))
}

/** Puts a copy into an inbox, in the thread of the message that it answers. */
export function file(store: MailStore, now: Date, inboxId: string, mail: Mail, labels: string[]): Message {
  const answered = store.messagesOf(inboxId).find((message) => message.message_id === mail.in_reply_to)
  const at = now.toISOString()
  const message: Message = {
    ...mail,
    seq: store.nextSeq(),
    inbox_id: inboxId,
    thread_id: answered?.thread_id ?? randomUUID(),
    labels,
    timestamp: at,
    preview: mail.text?.slice(0, PREVIEW_LENGTH),
    size: Buffer.byteLength(`${mail.subject ?? ''}${mail.text ?? ''}${mail.html ?? ''}`),
    updated_at: at,
    created_at: at,
  }
  store.addMessage(message)
  return message
}

/** Brings a mail to those of its recipients who have their inbox here. */
export function deliver(store: MailStore, now: Date, mail: Mail): Message[] {
  const addresses = new Set(recipientsOf(mail).map(addressIn))
  return [...addresses].flatMap((address) => {
    const inbox = store.inbox(address)
    return inbox ? [file(store, now, inbox.inbox_id, without(mail, 'bcc'), ['received', 'unread'])] : []
  })
}

/** What an answer takes over from the message that it answers. */
export function replyTo(original: Message, draft: Draft, options: { self: string; all: boolean }): Outgoing {
  const sender = original.reply_to ?? [original.from]
  const others = [...original.to, ...(original.cc ?? [])].filter((each) => addressIn(each) !== options.self)
  const subject = original.subject ?? ''
  return {
    ...draft,
    to: draft.to.length > 0 ? draft.to : options.all ? [...new Set([...sender, ...others])] : sender,
    subject: /^re:/i.test(subject) ? subject : `Re: ${subject}`,
    in_reply_to: original.message_id,
    references: [...(original.references ?? []), original.message_id],
  }
}
