import type { RequestHandler } from 'express'
import { inSpan, isTracing } from '../tracing/trace.ts'

/** What begins a trace by itself: every request that may change something; or none, and only those of a caller go on. */
export type TraceBegins = 'writes' | 'never'

const READS = ['GET', 'HEAD', 'OPTIONS']

/** A span for each request of a trace, named by its route and never by its path. */
export const tracedRequests =
  (begins: TraceBegins): RequestHandler =>
  (req, res, next) => {
    const { traceparent } = req.headers
    const parent = typeof traceparent === 'string' ? traceparent : null
    const isWanted = parent !== null || (begins === 'writes' && !READS.includes(req.method))
    if (!isTracing() || !isWanted) return next()
    const attributes = { 'http.request.method': req.method, 'convos.request_id': typeof req.id === 'string' ? req.id : '' }
    void inSpan(req.method, { kind: 'server', parent, attributes }, (span) => {
      const over = new Promise<void>((resolve) => {
        res.once('close', () => {
          const path: unknown = (req.route as { path?: unknown } | undefined)?.path
          const route = typeof path === 'string' ? `${req.baseUrl}${path}` : 'unmatched'
          span.rename(`${req.method} ${route}`)
          span.set({ 'http.route': route, 'http.response.status_code': res.statusCode })
          if (res.statusCode >= 500) span.fail(String(res.statusCode))
          resolve()
        })
      })
      next()
      return over
    })
  }
