import { type Endpoint, endpoint } from '@convos/kit'
import type { Context } from '../context.ts'
import { type Alert, Alerts, Providers, Stats, StatsQuery, TickState } from '../contract/index.ts'
import { type AlertRow, listFiring, listResolved } from '../db/alerts.ts'
import { readTick } from '../db/tick.ts'
import { servicesUnavailable } from '../templates.ts'
import { statsOf } from '../watch/stats.ts'

const RESOLVED_SHOWN = 50

/** What an operator looks at to see how the pool is. */
export const watchRoutes = (ctx: Context): Endpoint<'operator'>[] => [
  endpoint({
    method: 'get',
    path: '/api/pool/stats',
    operationId: 'getStats',
    summary: 'What the pool was like over a window, in steps',
    auth: 'operator',
    query: StatsQuery,
    replies: { 200: Stats },
    handle: async ({ query: { window } }) => ({ status: 200, body: await statsOf(ctx, window) }),
  }),
  endpoint({
    method: 'get',
    path: '/api/pool/alerts',
    operationId: 'listAlerts',
    summary: 'What is wrong now, and what was lately',
    auth: 'operator',
    replies: { 200: Alerts },
    async handle() {
      const [firing, resolved] = await Promise.all([listFiring(ctx.db), listResolved(ctx.db, RESOLVED_SHOWN)])
      return { status: 200, body: { firing: firing.map(presentAlert), resolved: resolved.map(presentAlert) } }
    },
  }),
  endpoint({
    method: 'get',
    path: '/api/pool/tick',
    operationId: 'getTick',
    summary: 'Who looks after the fleet, and how long ago all of it was last looked at',
    auth: 'operator',
    replies: { 200: TickState },
    async handle() {
      const { holder, until, ticked_at, age_ms } = await readTick(ctx.db)
      const body: TickState = {
        holder,
        isThis: holder === ctx.replica,
        until: until?.toISOString() ?? null,
        tickedAt: ticked_at?.toISOString() ?? null,
        ageMs: age_ms,
        everyMs: ctx.config.tickIntervalMs,
      }
      return { status: 200, body }
    },
  }),
  endpoint({
    method: 'get',
    path: '/api/pool/providers',
    operationId: 'listProviders',
    summary: 'How each external provider is, and what is left of its budget, as services knows it',
    auth: 'operator',
    replies: { 200: Providers },
    async handle() {
      const providers = await ctx.services.providers().catch((err: unknown) => {
        throw servicesUnavailable(err, 'services cannot be asked for its providers now; try again')
      })
      return { status: 200, body: { providers } }
    },
  }),
]

const presentAlert = ({ code, detail, since, resolved_at }: AlertRow): Alert => ({
  code,
  detail,
  since: since.toISOString(),
  resolvedAt: resolved_at?.toISOString() ?? null,
})
