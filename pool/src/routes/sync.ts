import { type Endpoint, endpoint } from '@convos/kit'
import { callerOf, type Principal, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { Operation } from '../contract/index.ts'
import { readInstances } from '../db/instances.ts'
import { whoIs } from '../operations/who.ts'
import type { Parts } from '../parts.ts'
import { ById } from './params.ts'
import { editable } from './templates.ts'

/** What a template does to agents that there are. */
export function syncRoutes(ctx: Context, { operations }: Parts): Endpoint<'claimer'>[] {
  /** An operation as a claimer sees it: how far it is, but of the agents only their own. */
  async function withOwn(operation: Operation, { id }: Principal): Promise<Operation> {
    const rows = await readInstances(
      ctx.db,
      operation.items.flatMap(({ instanceId }) => instanceId ?? []),
    )
    const own = new Set(rows.flatMap((row) => (row.principal === id ? row.id : [])))
    return { ...operation, items: operation.items.filter(({ instanceId }) => instanceId !== null && own.has(instanceId)) }
  }

  return [
    endpoint({
      method: 'post',
      path: '/api/templates/:id/sync',
      operationId: 'syncTemplate',
      summary: 'Give the agents claimed from a template its present instructions and model, but for what their claimers chose',
      auth: 'claimer',
      params: ById,
      replies: { 202: Operation },
      async handle({ params, req, res }) {
        const { id } = await editable(ctx, params.id, res)
        const caller = callerOf(res)
        const operation = await operations.sync(id, whoIs(caller, requestIdOf(req)))
        return { status: 202, body: caller.role === 'operator' ? operation : await withOwn(operation, caller) }
      },
    }),
  ]
}
