import { type Request, Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'
import { type Callers, hashOf } from './callers.ts'
import { idempotencyConflict, invalidField, notFound } from './errors.ts'
import {
  deliver,
  describeAttachments,
  Draft,
  file,
  type Mail,
  newMessageId,
  type Outgoing,
  recipientsOf,
  replyTo,
} from './mail.ts'
import { type Inbox, type Message, type Permission, presentMessage, presentMessageItem } from './model.ts'
import { page, PageQuery } from './paging.ts'
import type { MailStore } from './store.ts'

/** So long a send is known by its `Idempotency-Key`. */
const REMEMBERED_MS = 24 * 3_600_000

const Labels = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat())
/** The official SDK writes the list as JSON, others repeat the parameter. */
const LabelFilter = Labels.transform((given) =>
  given.flatMap((each) => (each.startsWith('[') ? Labels.parse(JSON.parse(each)) : each)),
)
const ListQuery = PageQuery.extend({
  labels: LabelFilter.default([]),
  before: z.coerce.date().optional(),
  after: z.coerce.date().optional(),
})
const UpdateMessage = z.object({ add_labels: Labels.default([]), remove_labels: Labels.default([]) })
const Reply = Draft.omit({ subject: true }).extend({ reply_all: z.boolean().default(false) })

type InboxPath = { inboxId: string }
type MessagePath = InboxPath & { messageId: string }

interface Parts {
  store: MailStore
  callers: Callers
  clock: SimClock
}

/** Sending, answering and reading mail. */
export function messageRoutes({ store, callers, clock }: Parts): Router {
  const router = Router()
  const messageFor = (req: Request<MessagePath>, permission: Permission) => {
    const inbox = callers.inboxFor(req, permission)
    const message = store.messagesOf(inbox.inbox_id).find((each) => each.message_id === req.params.messageId)
    if (!message) throw notFound('Message')
    return { inbox, message }
  }

  router.post('/inboxes/:inboxId/messages/send', (req, res) => {
    const inbox = callers.inboxFor(req, 'message_send')
    res.json(send(req, inbox, Draft.parse(req.body)))
  })
  router.post('/inboxes/:inboxId/messages/:messageId/reply', (req, res) => {
    const { inbox, message } = messageFor(req, 'message_send')
    const { reply_all, ...draft } = Reply.parse(req.body)
    res.json(send(req, inbox, replyTo(message, draft, { self: inbox.inbox_id, all: reply_all })))
  })
  router.post('/inboxes/:inboxId/messages/:messageId/reply-all', (req, res) => {
    const { inbox, message } = messageFor(req, 'message_send')
    res.json(send(req, inbox, replyTo(message, Reply.parse(req.body), { self: inbox.inbox_id, all: true })))
  })

  function send(req: Request, inbox: Inbox, draft: Outgoing) {
    const key = req.get('idempotency-key')
    if (key === '') throw invalidField('Idempotency-Key', 'must not be empty')
    const now = clock.now()
    if (now.getTime() - new Date(inbox.created_at).getTime() < store.settings().sendableAfterMs) throw notFound('Inbox')
    if (recipientsOf(draft).length === 0) throw invalidField('to', 'at least one recipient is required')

    const known = key === undefined ? undefined : store.sentOnce(`${inbox.inbox_id} ${key}`)
    const request = hashOf(`${req.path} ${JSON.stringify(req.body)}`)
    if (known && now.getTime() - known.at < REMEMBERED_MS) {
      if (known.request !== request) throw idempotencyConflict()
      return known.answer
    }

    const { labels, attachments, ...content } = draft
    const from = inbox.display_name ? `${inbox.display_name} <${inbox.email}>` : inbox.email
    const message_id = newMessageId(inbox.email.split('@')[1] ?? '')
    const mail: Mail = { ...content, message_id, from, attachments: describeAttachments(attachments) }
    const { thread_id } = file(store, now, inbox.inbox_id, mail, ['sent', ...labels])
    deliver(store, now, mail)
    if (key !== undefined) {
      store.rememberSent(`${inbox.inbox_id} ${key}`, { request, answer: { message_id, thread_id }, at: now.getTime() })
    }
    return { message_id, thread_id }
  }

  router.get('/inboxes/:inboxId/messages', (req, res) => {
    const inbox = callers.inboxFor(req, 'message_read')
    const { labels, before, after, ...paging } = ListQuery.parse(req.query)
    const fits = ({ timestamp, labels: own }: Message) =>
      labels.every((label) => own.includes(label)) &&
      (before === undefined || new Date(timestamp) < before) &&
      (after === undefined || new Date(timestamp) > after)
    const rows = listed(res, clock, store.messagesOf(inbox.inbox_id).filter(fits), (message) => message.created_at)
    const { head, items } = page(rows, paging)
    res.json({ ...head, messages: items.map(presentMessageItem) })
  })

  router.get('/inboxes/:inboxId/messages/:messageId', (req, res) => {
    res.json(presentMessage(messageFor(req, 'message_read').message))
  })

  router.patch('/inboxes/:inboxId/messages/:messageId', (req, res) => {
    const { message } = messageFor(req, 'message_update')
    const { add_labels, remove_labels } = UpdateMessage.parse(req.body)
    const labels = [...new Set([...message.labels, ...add_labels])].filter((label) => !remove_labels.includes(label))
    store.updateMessage(message, { ...message, labels, updated_at: clock.now().toISOString() })
    res.json({ message_id: message.message_id, labels })
  })

  return router
}
