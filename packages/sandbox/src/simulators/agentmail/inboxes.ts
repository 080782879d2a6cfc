import { randomBytes } from 'node:crypto'
import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'
import type { Callers } from './callers.ts'
import { addressTaken, domainNotVerified, inboxLimitExceeded } from './errors.ts'
import { DEFAULT_POD, type Inbox, Metadata, MetadataChange, presentInbox } from './model.ts'
import { page, PageQuery } from './paging.ts'
import type { MailStore } from './store.ts'

const DEFAULT_DOMAIN = 'agentmail.to'
const ORGANIZATION = { organization_id: 'sandbox-organization', domain_count: 0, created_at: '2026-01-01T00:00:00.000Z' }

const CreateInbox = z.object({
  username: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/i)
    .optional(),
  domain: z.hostname().default(DEFAULT_DOMAIN),
  display_name: z.string().optional(),
  client_id: z
    .string()
    .regex(/^[A-Za-z0-9\-._~]{1,256}$/)
    .optional(),
  metadata: Metadata.optional(),
})
type CreateInbox = z.infer<typeof CreateInbox>

const UpdateInbox = z
  .object({ display_name: z.string().optional(), metadata: MetadataChange.nullish() })
  .refine((body) => body.display_name !== undefined || body.metadata !== undefined, 'display_name or metadata is required')

interface Parts {
  store: MailStore
  callers: Callers
  clock: SimClock
}

/** Inboxes, and the organization's view of how many there may be. */
export function inboxRoutes({ store, callers, clock }: Parts): Router {
  const router = Router()

  router.post('/inboxes', (req, res) => {
    callers.organization(req, 'inbox_create')
    const body = CreateInbox.parse(req.body ?? {})
    const original = body.client_id === undefined ? undefined : store.inboxes().find((i) => i.client_id === body.client_id)
    res.json(presentInbox(original ?? create(body)))
  })

  function create({ username, domain, ...rest }: CreateInbox): Inbox {
    const { inboxLimit, verifiedDomains } = store.settings()
    if (![DEFAULT_DOMAIN, ...verifiedDomains].includes(domain)) throw domainNotVerified(domain)
    const address = `${username ?? randomBytes(6).toString('hex')}@${domain}`.toLowerCase()
    if (store.inbox(address) || store.isRetired(address)) throw addressTaken()
    if (inboxLimit !== null && store.inboxes().length >= inboxLimit) throw inboxLimitExceeded(inboxLimit)
    const at = clock.now().toISOString()
    const times = { updated_at: at, created_at: at }
    const inbox: Inbox = { seq: store.nextSeq(), pod_id: DEFAULT_POD, inbox_id: address, email: address, ...rest, ...times }
    store.addInbox(inbox)
    return inbox
  }

  router.get('/inboxes', (req, res) => {
    const caller = callers.allowed(req, 'inbox_read')
    const reached = store.inboxes().filter((inbox) => caller.kind === 'organization' || caller.key.inbox_id === inbox.inbox_id)
    const rows = listed(res, clock, reached, (inbox) => inbox.created_at)
    const { head, items } = page(rows, PageQuery.parse(req.query))
    res.json({ ...head, inboxes: items.map(presentInbox) })
  })

  router.get('/inboxes/:inboxId', (req, res) => {
    res.json(presentInbox(callers.inboxFor(req, 'inbox_read')))
  })

  router.patch('/inboxes/:inboxId', (req, res) => {
    const inbox = callers.inboxFor(req, 'inbox_update')
    const { display_name = inbox.display_name, metadata } = UpdateInbox.parse(req.body)
    const changed = { ...inbox, display_name, metadata: merged(inbox.metadata, metadata), updated_at: clock.now().toISOString() }
    res.json(presentInbox(store.updateInbox(inbox, changed)))
  })

  router.delete('/inboxes/:inboxId', (req, res) => {
    store.removeInbox(callers.inboxFor(req, 'inbox_delete').inbox_id)
    res.status(204).end()
  })

  router.get('/organizations', (req, res) => {
    callers.organization(req, 'organization_read')
    const { inboxLimit } = store.settings()
    const limit = inboxLimit === null ? {} : { inbox_limit: inboxLimit }
    res.json({ ...ORGANIZATION, inbox_count: store.inboxes().length, ...limit, updated_at: clock.now().toISOString() })
  })

  return router
}

/** Absent: as it was; `null`: cleared; a key that is `null`: removed. */
function merged(old: Inbox['metadata'], change: z.infer<typeof MetadataChange> | null | undefined): Inbox['metadata'] {
  if (change === undefined) return old
  if (change === null) return undefined
  const kept = Object.entries({ ...old, ...change }).filter(([, value]) => value !== null)
  return Metadata.parse(Object.fromEntries(kept))
}
