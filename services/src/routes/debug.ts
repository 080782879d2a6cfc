import { type Endpoint, endpoint, Problem } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { DebugReply, InstanceId, LogsQuery, LogsReply } from '../contract/index.ts'
import { debugInstance, tailLogs } from '../reconcile/debug.ts'
import { DEBUG_EVERY } from '../limits.ts'

const params = z.object({ instanceId: InstanceId })

/** What an operator asks for by hand: each request is a call to the provider. */
export const debugRoutes = (ctx: Context): Endpoint<'pool'>[] => {
  const notTooOften = guard(ctx)
  return [
    endpoint({
      method: 'get',
      path: '/instances/:instanceId/logs',
      operationId: 'getInstanceLogs',
      summary: 'The newest lines that its latest deployment wrote',
      auth: 'pool',
      params,
      query: LogsQuery,
      replies: { 200: LogsReply },
      handle: async ({ params: { instanceId }, query }) => ({ status: 200, body: await tailLogs(ctx, instanceId, query) }),
    }),
    endpoint({
      method: 'get',
      path: '/instances/:instanceId/debug',
      operationId: 'debugInstance',
      summary: 'Its deployment and itself, asked afresh; nothing of it is kept',
      auth: 'pool',
      params,
      replies: { 200: DebugReply },
      handle: async ({ params: { instanceId } }) => {
        notTooOften(instanceId)
        return { status: 200, body: await debugInstance(ctx, instanceId) }
      },
    }),
  ]
}

/** Each instance once per interval. It is held by each replica for itself: this keeps an impatient operator off the provider, no more. */
function guard({ clock }: Pick<Context, 'clock'>): (instanceId: string) => void {
  const askedAt = new Map<string, number>()
  return (instanceId) => {
    const now = clock.now().getTime()
    for (const [id, at] of askedAt) if (now - at >= DEBUG_EVERY) askedAt.delete(id)
    const before = askedAt.get(instanceId)
    if (before !== undefined)
      throw new Problem({
        status: 429,
        code: 'RATE_LIMITED',
        detail: `instance ${instanceId} was asked about just now`,
        headers: { 'Retry-After': String(Math.ceil((before + DEBUG_EVERY - now) / 1000)) },
      })
    askedAt.set(instanceId, now)
  }
}
