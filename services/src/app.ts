import { apiApp, bearer, Problem } from '@convos/kit'
import { type Express, type RequestHandler, Router } from 'express'
import type { Context } from './context.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { claimRoutes } from './routes/claims.ts'
import { instanceRoutes } from './routes/instances.ts'
import { operationsRoutes } from './routes/operations.ts'
import { statusRoutes } from './routes/status.ts'

/** The internal API; only pool talks to it. */
export function createApp(ctx: Context, stopping: AbortSignal): Express {
  const guarded = Router().use(bearer([ctx.config.apiKey]), sameEnvironment(ctx.config.environment))
  for (const routes of [instanceRoutes, claimRoutes, catalogueRoutes]) guarded.use(routes(ctx))
  guarded.use(statusRoutes(ctx, stopping))
  return apiApp({ log: ctx.log, metrics: ctx.metrics, routes: [operationsRoutes(ctx, stopping), guarded] })
}

/** A pool of another environment must not drive these instances, even with the right key. */
const sameEnvironment =
  (environment: string): RequestHandler =>
  (req, _res, next) => {
    if (req.get('x-environment') !== environment)
      throw new Problem({
        status: 409,
        code: 'ENVIRONMENT_MISMATCH',
        detail: `this is environment "${environment}"; say so in X-Environment`,
      })
    next()
  }
