import { constants } from 'node:zlib'
import compression from 'compression'
import { type RequestHandler, Router } from 'express'

const LISTS = ['/api/pool/instances', '/api/pool/status', '/api/pool/activity', '/api/pool/stats']
const SMALL_BYTES = 2_000

/**
 * Compresses what operators read much of: instances repeat each other, and become a fifteenth. Only what is named here, and only
 * as JSON: an answer that holds a secret beside something that somebody else has written tells of it by its length once it is
 * compressed (claims, sessions and keys never are), and a stream would be held back.
 */
export const compressed = (): Router => {
  // the quickest level: a higher one takes two to five times as long for a tenth less
  const compress = compression({
    threshold: SMALL_BYTES,
    level: 1,
    brotli: { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } },
    filter: (_req, res) => /^application\/json\b/.test(String(res.getHeader('content-type'))),
  })
  const lists: RequestHandler = (req, res, next) => {
    if (req.method === 'GET' && LISTS.includes(req.path)) compress(req, res, next)
    else next()
  }
  return Router().use(lists)
}
