import { type Endpoint, endpoint } from '@convos/kit'
import { requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { InstanceDebug, InstanceLogs, Instances, InstancesQuery, LogsQuery, ToolUsage } from '../contract/index.ts'
import { listPage } from '../db/listing.ts'
import { knownInstance } from '../known.ts'
import { cursorOf, placeOf } from '../listing.ts'
import { passedOn } from '../passed-on.ts'
import { presentInstance } from '../present.ts'
import { onceInAWhile } from '../throttle.ts'
import { ById, ByTool } from './params.ts'

/** What operators look at: any part of the fleet, and one instance closely. */
export const lookRoutes = (ctx: Context): Endpoint<'operator'>[] => [
  endpoint({
    method: 'get',
    path: '/api/pool/instances',
    operationId: 'listInstances',
    summary: 'Instances, filtered and sorted, page by page',
    auth: 'operator',
    query: InstancesQuery,
    replies: { 200: Instances },
    async handle({ query: { status, sort, order, limit, cursor, ...filter } }) {
      const { template = null, owner = null, principal = null, image = null, text = null } = filter
      const by = { sort, order }
      const rows = await listPage(ctx.db, by, {
        template,
        owner,
        principal,
        image,
        text,
        statuses: status === undefined ? null : [status].flat(),
        after: cursor === undefined ? null : placeOf(by, cursor),
        limit: limit + 1,
      })
      const last = rows.length > limit ? rows[limit - 1] : undefined
      const nextCursor = last ? cursorOf(by, { key: last.sort_key, id: last.id }) : null
      return { status: 200, body: { instances: rows.slice(0, limit).map(presentInstance), nextCursor } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/api/pool/instances/:id/logs',
    operationId: 'getInstanceLogs',
    summary: 'The newest lines that its latest deployment wrote',
    auth: 'operator',
    params: ById,
    query: LogsQuery,
    replies: { 200: InstanceLogs },
    async handle({ params, query: { limit }, req }) {
      const { id } = await knownInstance(ctx, params.id)
      return { status: 200, body: await passedOn(ctx.services.logs(id, limit, requestIdOf(req))) }
    },
  }),

  endpoint({
    method: 'get',
    path: '/api/pool/debug/:id',
    operationId: 'debugInstance',
    summary: 'Its deployment and itself, asked afresh; at most once in 5 s',
    auth: 'operator',
    params: ById,
    replies: { 200: InstanceDebug },
    async handle({ params, req }) {
      const { id } = await knownInstance(ctx, params.id)
      const once = { what: 'debug', id, everyMs: ctx.limits.debugEveryMs, refusal: 'this instance was asked about just now' }
      await onceInAWhile(ctx.db, once)
      return { status: 200, body: await passedOn(ctx.services.debug(id, requestIdOf(req))) }
    },
  }),

  endpoint({
    method: 'get',
    path: '/api/pool/instances/:id/tools/:toolId',
    operationId: 'getInstanceTool',
    summary: 'A tool of an instance, with what was used of it at most five minutes ago',
    auth: 'operator',
    params: ByTool,
    replies: { 200: ToolUsage },
    async handle({ params, req }) {
      const { id } = await knownInstance(ctx, params.id)
      return { status: 200, body: await passedOn(ctx.services.tool(id, params.toolId, requestIdOf(req))) }
    },
  }),
]
