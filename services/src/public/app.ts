import { apiApp, endpoint, type Endpoint, mountEndpoints } from '@convos/kit'
import { type Express, Router } from 'express'
import { z } from 'zod'
import { PUBLIC_MAX_BYTES } from '../limits.ts'
import type { PublicAuth, PublicContext, PublicDeps } from './context.ts'
import { createGuards } from './guards.ts'
import { messageEndpoints } from './messages.ts'
import { refusalNotes } from './refusals.ts'
import { toolEndpoints } from './tools.ts'
import { TELNYX_WEBHOOK, webhookEndpoints } from './webhooks.ts'

/** Everything that the world may ask of services. */
export const publicEndpoints = (ctx: PublicContext, deps: PublicDeps): Endpoint<PublicAuth>[] => [
  endpoint({
    method: 'get',
    path: '/healthz',
    operationId: 'getPublicHealth',
    summary: 'Whether the listener answers, and of which deployment it is',
    auth: 'open',
    replies: { 200: z.object({ ok: z.boolean(), deployment: z.string() }) },
    handle: () => ({ status: 200, body: { ok: true, deployment: deps.settings.fingerprint } }),
  }),
  ...toolEndpoints(ctx, deps),
  ...messageEndpoints(ctx, deps),
  ...webhookEndpoints(ctx),
]

/** The API for instances and providers, an app of its own: nothing of the internal one can be reached through it. */
export function createPublicApp(ctx: PublicContext, deps: PublicDeps): Express {
  const { log, metrics } = ctx
  const guards = createGuards(ctx, deps.settings)
  const noting = refusalNotes(ctx)
  return apiApp({
    log,
    metrics,
    routes: publicEndpoints(ctx, deps).map((each) => Router().use(mountEndpoints([each], guards), noting(each))),
    trustProxy: deps.settings.trustProxy,
    bodyLimit: PUBLIC_MAX_BYTES,
    raw: [TELNYX_WEBHOOK],
    traceBegins: 'writes',
  })
}
