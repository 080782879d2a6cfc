import { readFileSync } from 'node:fs'
import { type Endpoint, endpoint, metricsRoute, readMeta, readSchema } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { Health, Readiness, Version, Versions } from '../contract/index.ts'
import type { Parts } from '../parts.ts'

const manifest = z.object({ version: z.string() })
export const { version } = manifest.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))

type Checks = z.infer<typeof Readiness>['checks']

/** Whether this replica lives, may be sent requests, which build it is, and what it measures. */
export function systemRoutes(ctx: Context, parts: Parts): Endpoint<'public' | 'operator' | 'metrics'>[] {
  const { config, db, limits, log, metrics, services } = ctx
  const holds = (name: string, asked: Promise<unknown>) =>
    asked.then(
      () => true,
      (err: unknown) => {
        log.warn({ err, check: name }, 'not ready')
        return false
      },
    )
  let checked: { at: number; checks: Promise<Checks> } | null = null

  /** Asked by many, found out once in a while: reading is free. */
  function check(): Promise<Checks> {
    if (checked && performance.now() - checked.at < limits.readyCacheMs) return checked.checks
    const both = Promise.all([
      holds('database', readMeta(db)),
      // an authenticated call: it fails as well where services runs another environment
      holds('services', services.check()),
    ])
    checked = { at: performance.now(), checks: both.then(([database, reachable]) => ({ database, services: reachable })) }
    return checked.checks
  }

  return [
    endpoint({
      method: 'get',
      path: '/healthz',
      operationId: 'getHealth',
      summary: 'Whether the process lives',
      auth: 'public',
      replies: { 200: Health },
      handle: () => ({ status: 200, body: { ok: true as const } }),
    }),
    endpoint({
      method: 'get',
      path: '/readyz',
      operationId: 'getReadiness',
      summary: 'Whether this replica may be sent requests',
      auth: 'public',
      replies: { 200: Readiness.describe('it may'), 503: Readiness.describe('something is missing, or it is stopping') },
      async handle() {
        const checks = await check()
        const ok = !parts.stopping && checks.database && checks.services
        return { status: ok ? 200 : 503, body: { ok, stopping: parts.stopping, checks } }
      },
    }),
    endpoint({
      method: 'get',
      path: '/version',
      operationId: 'getVersion',
      summary: 'Which build this is',
      auth: 'public',
      replies: { 200: Version },
      handle: () => ({
        status: 200,
        body: { version, commit: config.commit, environment: config.environment, deployment: ctx.fingerprint },
      }),
    }),
    endpoint({
      method: 'get',
      path: '/api/pool/versions',
      operationId: 'listVersions',
      summary: 'Which builds work together, and on which schemas',
      auth: 'operator',
      replies: { 200: Versions },
      async handle() {
        const [schema, other] = await Promise.all([
          readSchema(db),
          services.version().catch((err: unknown) => {
            log.warn({ err }, 'services does not say which build it is')
            return null
          }),
        ])
        return { status: 200, body: { pool: { version, commit: config.commit, schema }, services: other } }
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
        await metricsRoute(metrics.registry, config.metricsToken)(req, res, () => {})
        return null
      },
    }),
  ]
}
