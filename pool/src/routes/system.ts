import { readFileSync } from 'node:fs'
import { metricsRoute, readMeta } from '@convos/kit'
import { Router } from 'express'
import { z } from 'zod'
import type { Auth } from '../auth.ts'
import type { Context } from '../context.ts'
import type { Parts } from '../parts.ts'

const manifest = z.object({ version: z.string() })
const { version } = manifest.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))

type Checks = { database: boolean; services: boolean }

/** Whether this replica lives, may be sent requests, which build it is, and what it measures. */
export function system(ctx: Context, auth: Auth, parts: Parts) {
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

  return Router()
    .get('/healthz', auth('public'), (_req, res) => void res.json({ ok: true }))
    .get('/readyz', auth('public'), async (_req, res) => {
      const checks = await check()
      const ok = !parts.stopping && checks.database && checks.services
      res.status(ok ? 200 : 503).json({ ok, stopping: parts.stopping, checks })
    })
    .get('/version', auth('public'), (_req, res) => {
      res.json({ version, commit: config.commit, environment: config.environment })
    })
    .get('/metrics', auth('public'), metricsRoute(metrics.registry, config.metricsToken))
}
