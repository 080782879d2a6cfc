import { type Request, Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import type { RateWindow } from '../core/rate-window.ts'
import { listed } from '../core/staleness.ts'
import { invalidRequest, keyUsed, notFound, partnerKeyInvalid, partnerKeyRequired, rateLimited } from './errors.ts'
import { KeyOptions, presentWallet, type Wallet } from './model.ts'
import { alphanumeric, hashOf, newEvmAddress, newSolanaAddress } from './secrets.ts'
import type { BankrStore } from './store.ts'

const CreateWallet = z.object({
  idempotencyKey: z.string().min(1).max(128).optional(),
  wallet: z.object({ solana: z.boolean().default(false) }).prefault({}),
  apiKey: KeyOptions.optional(),
})
type CreateWallet = z.infer<typeof CreateWallet>

/** The real parameters are not published: without them the list comes whole. */
const ListQuery = z.object({ limit: z.coerce.number().int().min(1).max(100).optional(), cursor: z.string().optional() })

interface Parts {
  store: BankrStore
  clock: SimClock
  creations: RateWindow
  partnerKey: string | undefined
}

/** What a partner does for its users: wallets, and the one key of each. */
export function partnerRoutes({ store, clock, creations, partnerKey }: Parts): Router {
  const router = Router()
  const walletAt = (req: Request<{ name: string }>) => {
    const wallet = store.wallet(req.params.name)
    if (!wallet) throw notFound('Wallet')
    return wallet
  }

  router.use((req, _res, next) => {
    const key = req.get('x-partner-key')
    if (!key) throw partnerKeyRequired()
    // A user's key is no partner's, whoever else may be one.
    const known = partnerKey === undefined ? !key.startsWith('bk_usr_') : key === partnerKey
    if (!known) throw partnerKeyInvalid()
    next()
  })

  router.post('/wallets', (req, res) => {
    const body = CreateWallet.parse(req.body ?? {})
    const { replay, createsPerMinute } = store.settings()
    const existing = body.idempotencyKey === undefined ? undefined : store.createdWith(body.idempotencyKey)
    if (existing && replay === 'conflict') throw keyUsed(presentWallet(existing))
    if (existing) {
      res.json(presentWallet(existing))
      return
    }
    const taken = creations.take(req.get('x-partner-key') ?? '', createsPerMinute)
    if (!taken.allowed) throw rateLimited(createsPerMinute, taken)
    const wallet = create(body)
    const secret = body.apiKey && issueKey(wallet, body.apiKey)
    res.status(201).json({ ...presentWallet(wallet), ...(secret && { apiKey: secret }) })
  })

  function create(body: CreateWallet): Wallet {
    const wallet: Wallet = {
      id: `wlt_${alphanumeric(16)}`,
      evmAddress: newEvmAddress(),
      solAddress: body.wallet.solana ? newSolanaAddress() : null,
      createdAt: clock.now().toISOString(),
      idempotencyKey: body.idempotencyKey ?? null,
      key: null,
    }
    store.addWallet(wallet)
    return wallet
  }

  /** Takes the place of the key that the wallet had; told once, kept only as a hash. */
  function issueKey(wallet: Wallet, options: KeyOptions): string {
    const secret = `bk_usr_${alphanumeric(8)}_${alphanumeric(32)}`
    wallet.key = { ...options, secretHash: hashOf(secret), createdAt: clock.now().toISOString() }
    return secret
  }

  router.get('/wallets', (req, res) => {
    const { limit, cursor } = ListQuery.parse(req.query)
    const wallets = listed(res, clock, store.wallets(), (wallet) => wallet.createdAt)
    const start = cursor === undefined ? 0 : wallets.findIndex(({ id }) => id === cursor) + 1
    if (cursor !== undefined && start === 0) throw invalidRequest('Unknown cursor')
    const page = wallets.slice(start, limit === undefined ? undefined : start + limit)
    const more = start + page.length < wallets.length
    res.json({ wallets: page.map(presentWallet), ...(more && { nextCursor: page.at(-1)?.id }) })
  })

  router.get('/wallets/:name', (req, res) => {
    res.json(presentWallet(walletAt(req)))
  })

  router.post('/wallets/:name/api-key', (req, res) => {
    const secret = issueKey(walletAt(req), KeyOptions.parse(req.body ?? {}))
    res.status(201).json({ apiKey: secret })
  })

  router.delete('/wallets/:name/api-key', (req, res) => {
    const wallet = walletAt(req)
    if (!wallet.key) throw notFound('API key')
    wallet.key = null
    res.json({ success: true })
  })

  return router
}
