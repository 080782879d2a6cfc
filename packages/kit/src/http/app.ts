import { randomUUID } from 'node:crypto'
import express, { type Express, type Router } from 'express'
import { pinoHttp } from 'pino-http'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { isTracing, traceFields } from '../tracing/trace.ts'
import { notFound, problemHandler } from './problem.ts'
import { type TraceBegins, tracedRequests } from './traced.ts'

export interface ApiAppOptions {
  log: Logger
  metrics?: Metrics
  /** Routes in the order they are tried; after them every path is a JSON 404. */
  routes: Router[]
  /** How many proxies in front are believed about the client's address; none unless set. */
  trustProxy?: number
  /** How many bytes a body may have; 256 KiB unless set. */
  bodyLimit?: number
  /** Paths whose bodies are left as the bytes that came, in a Buffer: what is signed is those. */
  raw?: string[]
  /** Paths that are asked all the time and may say no for long: a 5xx of theirs is no news. */
  quiet?: string[]
  /** Which requests begin a trace where tracing is on; none unless set: those of a caller's trace go on in any case. */
  traceBegins?: TraceBegins
}

const BODY_LIMIT = 256 * 1024

/** What every one of our HTTP services is: request ids, access log, JSON bodies of bounded size, problem+json errors. */
export function apiApp({
  log,
  metrics,
  routes,
  trustProxy = 0,
  bodyLimit: limit = BODY_LIMIT,
  raw = [],
  quiet = [],
  traceBegins = 'never',
}: ApiAppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', trustProxy)
  app.use(
    pinoHttp({
      logger: log,
      genReqId: (req, res) => {
        const given = req.headers['x-request-id']
        const id = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
        res.setHeader('X-Request-Id', id)
        return id
      },
      customLogLevel: ({ url }, res) => (res.statusCode >= 500 && !quiet.includes(url.split('?')[0] ?? '') ? 'warn' : 'debug'),
      // where this process makes no spans of its own, its caller's trace is still found in its log
      customProps: ({ headers }) => (isTracing() ? {} : traceFields(String(headers['traceparent'] ?? ''))),
      // path only: a query string or a header could carry what must not be logged
      serializers: {
        req: (req: { id: unknown; method: string; url: string }) => ({
          id: req.id,
          method: req.method,
          path: req.url.split('?')[0],
        }),
        res: (res: { statusCode: number }) => ({ status: res.statusCode }),
      },
    }),
  )
  if (metrics) app.use(metrics.middleware)
  // before the JSON parser, which leaves alone what was read already
  if (raw.length > 0) app.use(raw, express.raw({ type: () => true, limit }))
  app.use(express.json({ limit }))
  // after the bodies are read: what goes on from there stays within the span
  app.use(tracedRequests(traceBegins))
  for (const router of routes) app.use(router)
  app.use(notFound)
  app.use(problemHandler(log))
  return app
}
