import { type Endpoint, endpoint } from '@convos/kit'
import type { Context } from '../context.ts'
import { ReconcileReply, ReconcileRequest } from '../contract/index.ts'
import { reconcile } from '../reconcile/pass.ts'

/** The ledgers against the providers. */
export const reconcileRoutes = (ctx: Context): Endpoint<'pool'>[] => [
  endpoint({
    method: 'post',
    path: '/reconcile',
    operationId: 'reconcile',
    summary: 'Compares the ledgers with the providers, both ways; changes nothing unless told to',
    auth: 'pool',
    body: ReconcileRequest,
    replies: { 200: ReconcileReply },
    handle: async ({ body }) => ({ status: 200, body: await reconcile(ctx, body) }),
  }),
]
