import { type Endpoint, endpoint, metricsRoute, Problem, readMeta } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'

const Ok = z.object({ ok: z.literal(true) })

/** What the platform and the scraper ask. */
export const operationsRoutes = (ctx: Context, retired: AbortSignal): Endpoint<'open' | 'metrics'>[] => [
  endpoint({
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'Is the process alive?',
    auth: 'open',
    replies: { 200: Ok },
    handle: () => ({ status: 200, body: { ok: true as const } }),
  }),
  endpoint({
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Can it work: database there, migrated, and of this environment?',
    auth: 'open',
    replies: { 200: Ok },
    async handle() {
      const unready = (detail: string, cause?: unknown) => new Problem({ status: 503, code: 'NOT_READY', detail, cause })
      if (retired.aborted) throw unready('the service is stopping')
      const meta = await readMeta(ctx.db).catch((err: unknown) => {
        throw unready('the database does not answer, or was not migrated', err)
      })
      if (meta.environment !== ctx.config.environment) throw unready('the database belongs to another environment')
      return { status: 200, body: { ok: true as const } }
    },
  }),
  endpoint({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Prometheus text, for METRICS_TOKEN',
    auth: 'metrics',
    replies: {},
    streams: { 'text/plain': z.string() },
    async handle({ req, res }) {
      await metricsRoute(ctx.metrics.registry, ctx.config.metricsToken)(req, res, () => {})
      return null
    },
  }),
]
