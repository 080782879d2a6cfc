import { Problem } from '@convos/kit'
import { type Request, Router } from 'express'

const hasBody = ({ headers }: Request) => headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/**
 * On every answer: nothing is sniffed, nothing tells where a link was followed from, and no API answer is stored. A body that
 * is not JSON is refused: it would be passed over as if nothing had been sent.
 */
export const headers = () =>
  Router().use((req, res, next) => {
    res.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' })
    if (!req.path.startsWith('/api/')) return next()
    res.set('Cache-Control', 'no-store')
    // no id holds a NUL, and the database cannot even be asked for one
    if (req.path.includes('%00')) throw new Problem({ status: 400, code: 'INVALID_REQUEST', detail: 'the path holds a NUL' })
    if (hasBody(req) && !req.is('application/json'))
      throw new Problem({ status: 415, code: 'JSON_REQUIRED', detail: 'send Content-Type: application/json' })
    next()
  })
