import express, { Router } from 'express'
import { instanceIdInMarker, type SimContext, type Simulator } from '../core/simulator.ts'
import { createCallers } from './callers.ts'
import { controlRoutes } from './control.ts'
import { answerError, notFound } from './errors.ts'
import { inboxRoutes } from './inboxes.ts'
import { keyRoutes } from './keys.ts'
import { messageRoutes } from './messages.ts'
import type { Inbox } from './model.ts'
import { createMailStore } from './store.ts'

/** AgentMail: inboxes, keys that reach one inbox, and mail between them and the world. */
export function createAgentMail({ clock }: SimContext, options: { apiKey?: string } = {}): Simulator {
  const now = () => clock.now()
  const store = createMailStore()
  const callers = createCallers({ store, now, apiKey: options.apiKey })
  const parts = { store, callers, clock }

  const router = Router()
  router.use(express.json({ limit: '16mb' }))
  router.use(inboxRoutes(parts), keyRoutes(parts), messageRoutes(parts))
  router.use(() => {
    throw notFound('Route')
  })
  router.use(answerError)

  return {
    name: 'agentmail',
    prefix: '/agentmail/v0',
    router,
    control: controlRoutes(store, now),
    resources: () => ({
      inboxes: store.inboxes().map((inbox) => ({
        id: inbox.inbox_id,
        name: inbox.display_name ?? inbox.client_id ?? inbox.inbox_id,
        instanceId: instanceOf(inbox),
        createdAt: inbox.created_at,
      })),
      inboxKeys: store.keys().map((key) => ({
        id: key.api_key_id,
        name: key.name,
        instanceId: instanceIdInMarker(key.name) ?? instanceOf(store.inbox(key.inbox_id)),
        createdAt: key.created_at,
        inboxId: key.inbox_id,
      })),
    }),
    dump: () => store.dump(),
    load: (state) => store.load(state),
    reset: () => store.reset(),
  }
}

/** Whose it is: any text of an inbox may carry our marker. */
function instanceOf(inbox: Inbox | undefined): string | null {
  if (!inbox) return null
  const texts = [inbox.client_id, inbox.display_name, ...Object.values(inbox.metadata ?? {}).map(String)]
  return texts.map(instanceIdInMarker).find((id) => id !== null) ?? null
}
