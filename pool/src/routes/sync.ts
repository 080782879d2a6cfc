import { type Endpoint, endpoint } from '@convos/kit'
import { callerOf, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { Operation } from '../contract/index.ts'
import { whoIs } from '../operations/who.ts'
import type { Parts } from '../parts.ts'
import { ById } from './params.ts'
import { editable } from './templates.ts'

/** What a template does to agents that there are. */
export const syncRoutes = (ctx: Context, { operations }: Parts): Endpoint<'claimer'>[] => [
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
      return { status: 202, body: await operations.sync(id, whoIs(callerOf(res), requestIdOf(req))) }
    },
  }),
]
