import { metricsRoute, Problem, readMeta } from '@convos/kit'
import { Router } from 'express'
import type { Context } from '../context.ts'

/** What the platform and the scraper ask; open, but for the metrics. */
export const operationsRoutes = (ctx: Context, stopping: AbortSignal) =>
  Router()
    .get('/healthz', (_req, res) => {
      res.json({ ok: true })
    })
    .get('/readyz', async (_req, res) => {
      const unready = (detail: string, cause?: unknown) => new Problem({ status: 503, code: 'NOT_READY', detail, cause })
      if (stopping.aborted) throw unready('the service is stopping')
      const meta = await readMeta(ctx.db).catch((err: unknown) => {
        throw unready('the database does not answer, or was not migrated', err)
      })
      if (meta.environment !== ctx.config.environment) throw unready('the database belongs to another environment')
      res.json({ ok: true })
    })
    .get('/metrics', metricsRoute(ctx.metrics.registry, ctx.config.metricsToken))
