import { Router } from 'express'
import { z } from 'zod'
import { deliver, newMessageId } from './mail.ts'
import { SettingsChange } from './model.ts'
import type { MailStore } from './store.ts'

const InboundMail = z.strictObject({
  from: z.string().min(1),
  /** An address of an inbox here. */
  to: z.string().min(1),
  subject: z.string().optional(),
  text: z.string().optional(),
  html: z.string().optional(),
  /** The id of a message in that inbox: what comes joins its thread. */
  in_reply_to: z.string().optional(),
})

/** What tests do to the account from outside: mail from strangers, and the plan's limits. */
export function controlRoutes(store: MailStore, now: () => Date): Router {
  const router = Router()

  router.get('/settings', (_req, res) => {
    res.json(store.settings())
  })
  router.patch('/settings', (req, res) => {
    store.configure(SettingsChange.parse(req.body))
    res.json(store.settings())
  })

  router.post('/messages', (req, res) => {
    const { to, ...mail } = InboundMail.parse(req.body)
    const [message] = deliver(store, now(), { ...mail, to: [to], message_id: newMessageId('mail.example') })
    if (message) res.status(201).json({ message_id: message.message_id, thread_id: message.thread_id })
    else res.status(404).json({ error: `nobody has the address ${to}` })
  })

  return router
}
