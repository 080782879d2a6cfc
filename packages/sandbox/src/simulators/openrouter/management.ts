import { Router } from 'express'
import { z } from 'zod'
import { listed } from '../core/staleness.ts'
import { notFound } from './errors.ts'
import { CreateKey, DEFAULT_WORKSPACE, issueKey, type KeyRecord, presentKey, presentUsage, UpdateKey, updateKey } from './keys.ts'
import type { KeyStore } from './store.ts'

const PAGE_SIZE = 100
const TOTAL_CREDITS = 1_000

const ListQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  include_disabled: z.enum(['true', 'false']).default('false'),
  workspace_id: z.uuid().default(DEFAULT_WORKSPACE),
})

/** Keys, credits, and what a key may know about itself. */
export function managementRoutes(store: KeyStore, now: () => Date): Router {
  const router = Router()
  const keyAt = (hash: string): KeyRecord => {
    const key = store.find(hash)
    if (!key) throw notFound()
    return key
  }

  router.use(['/keys', '/credits'], (req, _res, next) => {
    store.requireManagement(req.get('authorization'))
    next()
  })

  router.post('/keys', (req, res) => {
    const { record, secret } = issueKey(CreateKey.parse(req.body), now())
    store.put(record)
    res.status(201).json({ data: presentKey(record, now()), key: secret })
  })

  router.get('/keys', (req, res) => {
    const query = ListQuery.parse(req.query)
    const visible = listed(res, { now }, store.newestFirst(), (key) => key.createdAt).filter(
      (key) => key.workspaceId === query.workspace_id && (query.include_disabled === 'true' || !key.disabled),
    )
    res.json({ data: visible.slice(query.offset, query.offset + PAGE_SIZE).map((key) => presentKey(key, now())) })
  })

  router.get('/keys/:hash', (req, res) => {
    res.json({ data: presentKey(keyAt(req.params.hash), now()) })
  })

  router.patch('/keys/:hash', (req, res) => {
    const updated = updateKey(keyAt(req.params.hash), UpdateKey.parse(req.body), now())
    store.put(updated)
    res.json({ data: presentKey(updated, now()) })
  })

  router.delete('/keys/:hash', (req, res) => {
    if (!store.remove(req.params.hash)) throw notFound()
    res.json({ deleted: true })
  })

  router.get('/credits', (_req, res) => {
    res.json({ data: { total_credits: TOTAL_CREDITS, total_usage: store.accountUsage() } })
  })

  router.get('/key', (req, res) => {
    const key = store.requireKey(req.get('authorization'))
    res.json({
      data: {
        ...presentUsage(key, now()),
        allowed_data_regions: ['global'],
        free_model_daily_requests: { limit: 1_000, remaining: 1_000, used: 0 },
        is_free_tier: false,
        is_management_key: false,
        is_provisioning_key: false,
        organization_id: null,
        rate_limit: { requests: -1, interval: '10s', note: 'This field is deprecated and safe to ignore.' },
      },
    })
  })

  return router
}
