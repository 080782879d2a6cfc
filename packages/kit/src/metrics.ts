import type { RequestHandler } from 'express'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { secretMatches } from './http/auth.ts'
import { Problem } from './http/problem.ts'

export interface Metrics {
  registry: Registry
  /** Times every request by route pattern, never by raw path. */
  middleware: RequestHandler
}

/** Every sample says of which service and which environment it is, so that one Prometheus can watch several. */
export function createMetrics(service: string, environment: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ service, environment })
  collectDefaultMetrics({ register: registry })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  return {
    registry,
    middleware: (req, res, next) => {
      const started = performance.now()
      res.once('finish', () => {
        const route: unknown = (req.route as { path?: unknown } | undefined)?.path
        duration.observe(
          {
            method: req.method,
            route: typeof route === 'string' ? `${req.baseUrl}${route}` : 'unmatched',
            status: res.statusCode,
          },
          (performance.now() - started) / 1000,
        )
      })
      next()
    },
  }
}

/** `GET /metrics` for a scraper that knows the token; without a configured token there is no such page. */
export function metricsRoute(registry: Registry, token: string | undefined): RequestHandler {
  return async (req, res) => {
    if (!token) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'METRICS_TOKEN is not set' })
    const given = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? ''
    if (!secretMatches(given, [token])) throw new Problem({ status: 401, code: 'UNAUTHORIZED' })
    res.type(registry.contentType).send(await registry.metrics())
  }
}
