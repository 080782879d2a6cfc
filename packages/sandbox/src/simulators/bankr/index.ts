import express, { Router } from 'express'
import { rateWindow } from '../core/rate-window.ts'
import { instanceIdInMarker, type SimContext, type Simulator } from '../core/simulator.ts'
import { addressNotAllowed, answerError, authenticationRequired, notFound, rateLimited } from './errors.ts'
import { isAllowedFrom, SettingsChange } from './model.ts'
import { partnerRoutes } from './partner.ts'
import { hashOf } from './secrets.ts'
import { createBankrStore } from './store.ts'

/**
 * Bankr: a partner's wallets with their keys, and as much of the wallet API as tells whether a key is any good.
 * Without `partnerKey`, any partner key passes.
 */
export function createBankr({ clock }: SimContext, options: { partnerKey?: string } = {}): Simulator {
  const store = createBankrStore()
  const requests = rateWindow(clock, 60_000)
  const creations = rateWindow(clock, 60_000)

  const router = Router()
  router.use((req, _res, next) => {
    const limit = store.settings().requestsPerMinute
    const taken = requests.take(req.ip ?? '', limit)
    if (!taken.allowed) throw rateLimited(limit, taken)
    next()
  })
  router.use(express.json({ limit: '1mb' }))
  router.use('/partner', partnerRoutes({ store, clock, creations, partnerKey: options.partnerKey }))
  router.get('/wallet/me', (req, res) => {
    const wallet = store.ownerOf(hashOf(req.get('x-api-key') ?? ''))
    if (!wallet?.key) throw authenticationRequired()
    if (!isAllowedFrom(wallet.key, req.ip ?? '')) throw addressNotAllowed()
    const solana = wallet.solAddress === null ? [] : [{ chain: 'solana', address: wallet.solAddress }]
    res.json({ success: true, wallets: [{ chain: 'evm', address: wallet.evmAddress }, ...solana] })
  })
  router.use(() => {
    throw notFound('Route')
  })
  router.use(answerError)

  const control = Router()
  control.get('/settings', (_req, res) => {
    res.json(store.settings())
  })
  control.patch('/settings', (req, res) => {
    store.configure(SettingsChange.parse(req.body))
    res.json(store.settings())
  })

  return {
    name: 'bankr',
    prefix: '/bankr',
    router,
    control,
    resources: () => ({
      wallets: store.wallets().map(({ id, evmAddress, idempotencyKey, key, createdAt }) => ({
        id,
        name: idempotencyKey ?? evmAddress,
        instanceId: instanceIdInMarker(idempotencyKey) ?? instanceIdInMarker(key?.name),
        createdAt,
        keyActive: key !== null,
      })),
    }),
    dump: () => store.dump(),
    load: (state) => store.load(state),
    reset() {
      requests.clear()
      creations.clear()
      store.reset()
    },
  }
}
