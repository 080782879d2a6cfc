import { randomBytes, randomUUID } from 'node:crypto'
import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'
import { without } from '../core/without.ts'
import { type Callers, hashOf } from './callers.ts'
import { notFound, permissionEscalation } from './errors.ts'
import { type Inbox, type InboxKey, Permissions, presentKey, presentNewKey } from './model.ts'
import { page, PageQuery } from './paging.ts'
import type { MailStore } from './store.ts'

const CreateKey = z.object({ name: z.string().min(1).max(256).default('API Key'), permissions: Permissions.optional() })

interface Parts {
  store: MailStore
  callers: Callers
  clock: SimClock
}

/** Keys that reach one inbox only. A key's secret is told once, at its creation. */
export function keyRoutes({ store, callers, clock }: Parts): Router {
  const router = Router()
  const keysOf = (inbox: Inbox) => store.keys().filter((key) => key.inbox_id === inbox.inbox_id)

  router.post('/inboxes/:inboxId/api-keys', (req, res) => {
    const inbox = callers.inboxFor(req, 'api_key_create')
    const caller = callers.allowed(req, 'api_key_create')
    const { name, permissions } = CreateKey.parse(req.body ?? {})
    if (caller.kind === 'inbox' && !covers(caller.key.permissions, permissions)) throw permissionEscalation()

    const secret = `am_us_inbox_${randomBytes(32).toString('hex')}`
    const key: InboxKey = {
      seq: store.nextSeq(),
      secret_hash: hashOf(secret),
      api_key_id: randomUUID(),
      prefix: secret.slice(0, 16),
      name,
      pod_id: inbox.pod_id,
      inbox_id: inbox.inbox_id,
      permissions,
      created_at: clock.now().toISOString(),
    }
    store.addKey(key)
    res.json({ ...presentNewKey(key), api_key: secret })
  })

  router.get('/inboxes/:inboxId/api-keys', (req, res) => {
    const inbox = callers.inboxFor(req, 'api_key_read')
    const rows = listed(res, clock, keysOf(inbox), (key) => key.created_at)
    const { head, items } = page(rows, PageQuery.parse(req.query))
    res.json({ ...without(head, 'limit'), api_keys: items.map(presentKey) })
  })

  router.delete('/inboxes/:inboxId/api-keys/:keyId', (req, res) => {
    const inbox = callers.inboxFor(req, 'api_key_delete')
    const key = keysOf(inbox).find((each) => each.api_key_id === req.params.keyId)
    if (!key) throw notFound('API key')
    store.removeKey(key.api_key_id)
    res.status(204).end()
  })

  return router
}

/** Does a key with `own` permissions hold all that is to be granted? */
function covers(own: InboxKey['permissions'], granted: InboxKey['permissions']): boolean {
  if (own === undefined) return true
  return granted !== undefined && Object.entries(granted).every(([name, value]) => !value || own[name] === true)
}
