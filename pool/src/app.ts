import { apiApp, type Endpoint, mountEndpoints } from '@convos/kit'
import type { Express } from 'express'
import { type AuthClass, createGuards } from './auth.ts'
import type { Context } from './context.ts'
import type { Parts } from './parts.ts'
import { agentRoutes } from './routes/agents.ts'
import { changeRoutes } from './routes/change.ts'
import { claimRoutes } from './routes/claims.ts'
import { compressed } from './routes/compressed.ts'
import { dashboard } from './routes/dashboard.ts'
import { describing, docsPage } from './routes/docs.ts'
import { feedRoutes } from './routes/feed.ts'
import { headers } from './routes/headers.ts'
import { imageRoutes } from './routes/images.ts'
import { instanceRoutes } from './routes/instances.ts'
import { keyRoutes } from './routes/keys.ts'
import { lookRoutes } from './routes/look.ts'
import { operationRoutes } from './routes/operations.ts'
import { sessionRoutes } from './routes/session.ts'
import { settingsRoutes } from './routes/settings.ts'
import { syncRoutes } from './routes/sync.ts'
import { systemRoutes } from './routes/system.ts'
import { templateRoutes } from './routes/templates.ts'
import { watchRoutes } from './routes/watch.ts'

/** Every endpoint of the API, one family after the other. */
export function poolEndpoints(ctx: Context, parts: Parts): Endpoint<AuthClass>[] {
  const families = [
    systemRoutes(ctx, parts),
    sessionRoutes(ctx),
    keyRoutes(ctx),
    claimRoutes(ctx, parts),
    agentRoutes(ctx, parts),
    instanceRoutes(ctx, parts),
    lookRoutes(ctx),
    changeRoutes(ctx, parts),
    operationRoutes(parts),
    feedRoutes(ctx, parts),
    settingsRoutes(ctx),
    imageRoutes(ctx),
    templateRoutes(ctx),
    syncRoutes(ctx, parts),
    watchRoutes(ctx),
  ]
  const endpoints: Endpoint<AuthClass>[] = families.flat()
  return [...endpoints, describing(ctx, endpoints)]
}

/** The Express app of a context and its parts: what index.ts listens with, and what tests mount. */
export function createApp(ctx: Context, parts: Parts): Express {
  const { config, log, metrics } = ctx
  const api = mountEndpoints(poolEndpoints(ctx, parts), createGuards(ctx))
  return apiApp({
    log,
    metrics,
    trustProxy: config.trustProxy,
    traceBegins: 'writes',
    routes: [headers(), compressed(), api, docsPage(), dashboard()],
  })
}
