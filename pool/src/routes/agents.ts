import { Router } from 'express'
import { type Auth, principalOf } from '../auth.ts'
import type { Context } from '../context.ts'
import type { PoolStatus } from '../contract/index.ts'
import { listInstances } from '../db/instances.ts'
import type { Parts } from '../parts.ts'
import { presentAgents, presentInstance } from '../present.ts'
import { readHeld } from '../refill.ts'

/** How the pool is: for everyone from memory, for operators in full. */
export function agents(ctx: Context, auth: Auth, { cache }: Parts) {
  const { config, db, limits } = ctx
  return Router()
    .get('/api/pool/counts', auth('public'), async (_req, res) => void res.json(await cache.counts()))
    .get('/api/pool/agents', auth('public'), async (_req, res) => {
      const operator = principalOf(res)?.role === 'operator'
      res.json(presentAgents(await cache.agents(), operator ? 'operator' : config.publicAgents ? 'public' : 'nameless'))
    })
    .get('/api/pool/status', auth('operator'), async (_req, res) => {
      const [counts, rows, held] = await Promise.all([cache.counts(), listInstances(db, limits.statusRows + 1), readHeld(ctx)])
      const refill = held && { code: held.code, reason: held.reason, until: held.until?.toISOString() ?? null }
      const instances = rows.slice(0, limits.statusRows).map(presentInstance)
      const status: PoolStatus = {
        counts,
        target: config.minIdle,
        held: refill,
        instances,
        truncated: rows.length > limits.statusRows,
      }
      res.json(status)
    })
}
