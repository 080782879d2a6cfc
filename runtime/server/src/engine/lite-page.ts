import type { RequestListener } from 'node:http'
import { apiApp, bearer, type Logger } from '@convos/kit/server'
import { Router } from 'express'

/** What stands in for a gateway's control page: it tells who lives here, to who has the gateway token. */
export function litePage(p: { gatewayToken: string; describe: () => Record<string, unknown>; log: Logger }): RequestListener {
  const router = Router()
  router.get('/', bearer([p.gatewayToken]), (_req, res) => {
    res.json({ engine: 'lite', ...p.describe() })
  })
  return apiApp({ log: p.log, routes: [router] })
}
