import { apiApp, bearer, type Endpoint, endpoint, mountEndpoints, openApiDocument, Problem } from '@convos/kit'
import type { Express, RequestHandler } from 'express'
import { z } from 'zod'
import type { Context } from './context.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { claimRoutes } from './routes/claims.ts'
import { instanceRoutes } from './routes/instances.ts'
import { debugRoutes } from './routes/debug.ts'
import { operationsRoutes } from './routes/operations.ts'
import { providerEndpoints } from './routes/providers.ts'
import { reconcileRoutes } from './routes/reconcile.ts'
import { statusRoutes } from './routes/status.ts'
import { toolRoutes } from './routes/tools.ts'

/** Who may call what is internal: anybody, the scraper (which the route itself checks), or pool. */
export type Caller = 'open' | 'metrics' | 'pool'

/** How a replica ends: first it is to be sent nothing more, then whoever waits for news is answered. */
export interface Ending {
  retired: AbortSignal
  stopping: AbortSignal
}

/** Every endpoint of the internal API. */
const internalEndpoints = (ctx: Context, ending: Ending): Endpoint<Caller>[] => [
  ...operationsRoutes(ctx, ending.retired),
  ...instanceRoutes(ctx),
  ...claimRoutes(ctx),
  ...toolRoutes(ctx),
  ...catalogueRoutes(ctx),
  ...providerEndpoints(ctx),
  ...reconcileRoutes(ctx),
  ...debugRoutes(ctx),
  ...statusRoutes(ctx, ending.stopping),
]

/** The internal API; only pool talks to it. */
export function createApp(ctx: Context, ending: Ending): Express {
  const endpoints = internalEndpoints(ctx, ending)
  const pool = [bearer(ctx.config.apiKeys), sameEnvironment(ctx.config.environment)]
  const routes = mountEndpoints([...endpoints, describing(endpoints)], { open: [], metrics: [], pool })
  return apiApp({ log: ctx.log, metrics: ctx.metrics, routes: [routes] })
}

/** The API about itself. */
function describing(endpoints: Endpoint<Caller>[]): Endpoint<Caller> {
  // made for the first who asks: few processes are ever asked
  let document: Record<string, unknown> | undefined
  const describe = () =>
    openApiDocument(endpoints, {
      title: 'Convos Agents: services',
      version: '1',
      description: 'What pool asks of services: instances, their tools, and what is known of both.',
      security: {
        open: null,
        metrics: { name: 'metricsToken', scheme: { type: 'http', scheme: 'bearer' } },
        pool: { name: 'servicesApiKey', scheme: { type: 'http', scheme: 'bearer', description: 'with X-Environment' } },
      },
    })
  return endpoint({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This description',
    auth: 'pool',
    replies: { 200: z.record(z.string(), z.unknown()) },
    handle: () => ({ status: 200, body: (document ??= describe()) }),
  })
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
