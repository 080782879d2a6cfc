import { apiApp } from '@convos/kit'
import type { Express } from 'express'
import { createAuth } from './auth.ts'
import type { Context } from './context.ts'
import type { Parts } from './parts.ts'
import { agents } from './routes/agents.ts'
import { claims } from './routes/claims.ts'
import { dashboard } from './routes/dashboard.ts'
import { headers } from './routes/headers.ts'
import { instances } from './routes/instances.ts'
import { operations } from './routes/operations.ts'
import { session } from './routes/session.ts'
import { settings } from './routes/settings.ts'
import { system } from './routes/system.ts'

/** The Express app of a context and its parts: what index.ts listens with, and what tests mount. */
export function createApp(ctx: Context, parts: Parts): Express {
  const auth = createAuth(ctx)
  const { config, log, metrics } = ctx
  const families = [headers, system, session, claims, agents, instances, operations, settings, dashboard]
  return apiApp({ log, metrics, trustProxy: config.trustProxy, routes: families.map((family) => family(ctx, auth, parts)) })
}
