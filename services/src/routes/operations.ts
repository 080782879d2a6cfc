import { readFileSync } from 'node:fs'
import { type Endpoint, endpoint, metricsRoute, Problem, readMeta, readSchema } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { VersionReply } from '../contract/index.ts'

const Ok = z.object({ ok: z.literal(true) })

const manifest = z.object({ version: z.string() })
const { version } = manifest.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))

/** What the platform and the scraper ask, and which build this is. */
export const operationsRoutes = (ctx: Context, retired: AbortSignal): Endpoint<'open' | 'metrics' | 'pool'>[] => [
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
    path: '/version',
    operationId: 'getVersion',
    summary: 'Which build this is',
    auth: 'pool',
    replies: { 200: VersionReply },
    handle: async () => ({ status: 200, body: { version, commit: ctx.config.commit, schema: await readSchema(ctx.db) } }),
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
