import { type Endpoint, endpoint } from '@convos/kit'
import { principalOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { Agents, Counts, PoolStatus } from '../contract/index.ts'
import { listInstances, tally, toCounts } from '../db/instances.ts'
import { readSettings } from '../db/settings.ts'
import type { Parts } from '../parts.ts'
import { presentAgents, presentInstance } from '../present.ts'
import { readHeld } from '../supply/refill.ts'

/** How the pool is: for everyone from memory, for operators in full. */
export function agentRoutes(ctx: Context, { cache }: Parts): Endpoint<'public' | 'operator'>[] {
  const { config, db, limits } = ctx
  return [
    endpoint({
      method: 'get',
      path: '/api/pool/counts',
      operationId: 'getCounts',
      summary: 'How many instances there are, in groups',
      auth: 'public',
      replies: { 200: Counts },
      handle: async () => ({ status: 200, body: await cache.counts() }),
    }),
    endpoint({
      method: 'get',
      path: '/api/pool/agents',
      operationId: 'listAgents',
      summary: 'Claimed and crashed agents; operators also see what lets them in',
      auth: 'public',
      replies: { 200: Agents },
      async handle({ res }) {
        const operator = principalOf(res)?.role === 'operator'
        const audience = operator ? 'operator' : config.publicAgents ? 'public' : 'nameless'
        return { status: 200, body: presentAgents(await cache.agents(), audience) }
      },
    }),
    endpoint({
      method: 'get',
      path: '/api/pool/status',
      operationId: 'getPoolStatus',
      summary: 'Counts, target, what holds the refill back, and the instances',
      auth: 'operator',
      replies: { 200: PoolStatus },
      async handle() {
        const [remembered, rows, held, { minIdle }] = await Promise.all([
          cache.byStatus(),
          listInstances(db, limits.statusRows + 1),
          readHeld(ctx),
          readSettings(db),
        ])
        const truncated = rows.length > limits.statusRows
        // whoever keeps the figures up to date as instances change begins with the figures of those very instances
        const byStatus = truncated ? remembered : tally(rows)
        const body: PoolStatus = {
          counts: toCounts(byStatus),
          byStatus,
          target: minIdle,
          held: held && { code: held.code, reason: held.reason, until: held.until?.toISOString() ?? null },
          instances: rows.slice(0, limits.statusRows).map(presentInstance),
          truncated,
        }
        return { status: 200, body }
      },
    }),
  ]
}
