import { type Endpoint, endpoint } from '@convos/kit'
import type { Request } from 'express'
import { z } from 'zod'
import { changesSince } from '../changes.ts'
import type { Context } from '../context.ts'
import { ChangesQuery, ChangesReply, DetailStatusReply, ShortStatusReply, StatusRequest } from '../contract/index.ts'
import { readStatus } from '../db/status.ts'
import { readTools } from '../db/tools.ts'
import { detailOf, shortStateOf, stateOf } from '../instance/status.ts'
import { STATUS_BATCH } from '../limits.ts'
import { probeDue } from '../probe.ts'

/** Where instances stand: from the database, after fresh probes of those that are due. */
export const statusRoutes = (ctx: Context, stopping: AbortSignal): Endpoint<'pool'>[] => [
  endpoint({
    method: 'post',
    path: '/status/batch',
    operationId: 'getStatuses',
    summary: 'Where many instances stand; `detail` picks the longer answer',
    auth: 'pool',
    body: StatusRequest,
    replies: { 200: z.union([ShortStatusReply, DetailStatusReply]) },
    async handle({ body: { instanceIds, detail } }) {
      const deadline = AbortSignal.timeout(STATUS_BATCH - 1_000)
      // what is not through by then is told as it is stored
      await Promise.race([probeDue(ctx, instanceIds, deadline), aborted(deadline)])
      const rows = new Map((await readStatus(ctx.db, instanceIds)).map((row) => [row.instanceId, row]))
      if (!detail) return { status: 200, body: byId(instanceIds, (id) => shortStateOf(stateOf(rows.get(id)))) }
      const tools = Map.groupBy(await readTools(ctx.db, instanceIds), (tool) => tool.instanceId)
      return { status: 200, body: byId(instanceIds, (id) => detailOf(rows.get(id), tools.get(id) ?? [])) }
    },
  }),
  endpoint({
    method: 'get',
    path: '/changes',
    operationId: 'getChanges',
    summary: 'Which instances changed since a cursor; waits for one to change',
    auth: 'pool',
    query: ChangesQuery,
    replies: { 200: ChangesReply },
    handle: async ({ query: { after, waitMs }, req }) => ({
      status: 200,
      body: await changesSince(ctx, { after, waitMs }, AbortSignal.any([closed(req), stopping])),
    }),
  }),
]

const byId = <T>(ids: string[], of: (id: string) => T): Record<string, T> => Object.fromEntries(ids.map((id) => [id, of(id)]))

/** Aborts when the client leaves, so that nobody waits for it. */
function closed(req: Request): AbortSignal {
  const gone = new AbortController()
  req.res?.once('close', () => gone.abort())
  return gone.signal
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
