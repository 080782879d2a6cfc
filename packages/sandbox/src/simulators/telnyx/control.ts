import { Router } from 'express'
import { InboundMessage, type Traffic } from './messages.ts'
import { SettingsChange } from './model.ts'
import type { TelnyxStore } from './store.ts'
import { publicKeyOf } from './webhooks.ts'

/** What the portal shows, and what tests do from outside: texts from strangers, and how slow the market is. */
export function controlRoutes(store: TelnyxStore, traffic: Traffic): Router {
  const router = Router()
  const account = () => ({ publicKey: publicKeyOf(store.signingKey()), settings: store.settings() })

  router.get('/', (_req, res) => {
    res.json(account())
  })
  router.patch('/settings', (req, res) => {
    store.configure(SettingsChange.parse(req.body))
    res.json(account().settings)
  })

  router.post('/messages', (req, res) => {
    const text = InboundMessage.parse(req.body)
    const message = traffic.receive(text)
    if (message) res.status(201).json({ id: message.id })
    else res.status(404).json({ error: `${text.to} takes no texts: it is not ours, not active, or has no messaging profile` })
  })

  return router
}
