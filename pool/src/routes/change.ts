import { type Endpoint, endpoint, Problem } from '@convos/kit'
import { callerOf, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import {
  can,
  Instance,
  InstanceChange,
  Operation,
  RedeployRequest,
  type Status,
  STATUSES,
  ToolChange,
  ToolSettings,
} from '../contract/index.ts'
import { databaseNow } from '../db/instances.ts'
import { changeInstance } from '../db/operators.ts'
import { knownInstance } from '../known.ts'
import { whoIs } from '../operations/who.ts'
import type { Parts } from '../parts.ts'
import { passedOn } from '../passed-on.ts'
import { presentInstance } from '../present.ts'
import { ById, ByTool } from './params.ts'

/** Whose agent an end may be set for: one that was set before would end an agent that nobody has claimed yet. */
const MAY_EXPIRE: readonly Status[] = ['pending', 'claimed', 'crashed']
const LIVE = STATUSES.filter((status) => status !== 'deleting')

/** What operators do with one instance in use. */
export const changeRoutes = (ctx: Context, { operations }: Parts): Endpoint<'operator'>[] => [
  endpoint({
    method: 'patch',
    path: '/api/pool/instances/:id',
    operationId: 'changeInstance',
    summary: 'Protect an instance, or set when its agent ends by itself',
    auth: 'operator',
    params: ById,
    body: InstanceChange,
    replies: { 200: Instance },
    async handle({ params, body, req, res }) {
      const { id } = await knownInstance(ctx, params.id)
      const expiresAt = body.expiresAt == null ? body.expiresAt : new Date(body.expiresAt)
      if (expiresAt && expiresAt <= (await databaseNow(ctx.db))) throw past()
      const change = { id, protected: body.protected, expiresAt, from: expiresAt ? MAY_EXPIRE : LIVE }
      if (!(await changeInstance(ctx.db, { ...change, ...whoIs(callerOf(res), requestIdOf(req)) }))) {
        const { status } = await knownInstance(ctx, id)
        throw wrongStatus(
          status === 'deleting' ? 'it is being deleted' : 'only the end of an agent that somebody has claimed can be set',
        )
      }
      ctx.signals.emit('changed')
      return { status: 200, body: presentInstance(await knownInstance(ctx, id)) }
    },
  }),

  endpoint({
    method: 'patch',
    path: '/api/pool/instances/:id/tools/:toolId',
    operationId: 'changeInstanceTool',
    summary: 'Change what a tool of an instance is set to, e.g. its credit limit',
    auth: 'operator',
    params: ByTool,
    body: ToolChange,
    replies: { 200: ToolSettings },
    async handle({ params, body, req }) {
      const { id } = await knownInstance(ctx, params.id)
      return { status: 200, body: await passedOn(ctx.services.updateTool(id, params.toolId, body, requestIdOf(req))) }
    },
  }),

  endpoint({
    method: 'post',
    path: '/api/pool/instances/:id/redeploy',
    operationId: 'redeployInstance',
    summary: 'Move an agent to the wanted image, its identity kept; `force` starts it again where it is there already',
    auth: 'operator',
    params: ById,
    body: RedeployRequest,
    replies: { 202: Operation },
    async handle({ params, body: { force }, req, res }) {
      const row = await knownInstance(ctx, params.id)
      return { status: 202, body: await operations.redeploy(row, { force }, whoIs(callerOf(res), requestIdOf(req))) }
    },
  }),

  endpoint({
    method: 'post',
    path: '/api/pool/instances/:id/recycle',
    operationId: 'recycleInstance',
    summary: 'Return an instance to its clean checkpoint, where its provider keeps one: 409 otherwise',
    auth: 'operator',
    params: ById,
    replies: { 202: Operation },
    async handle({ params, req }): Promise<never> {
      const row = await knownInstance(ctx, params.id)
      const may = can('recycle', row)
      if (may !== true) throw row.protected ? isProtected(may) : wrongStatus(may)
      const { capabilities } = await passedOn(ctx.services.instance(row.id, requestIdOf(req)))
      const detail = capabilities.recycle
        ? 'this pool does not recycle instances yet'
        : 'its provider keeps no checkpoint to return to'
      throw new Problem({ status: 409, code: 'NOT_SUPPORTED', detail })
    },
  }),
]

const wrongStatus = (detail: string) => new Problem({ status: 409, code: 'WRONG_STATUS', detail })
const isProtected = (detail: string) => new Problem({ status: 409, code: 'PROTECTED', detail })

const past = () =>
  new Problem({
    status: 400,
    code: 'INVALID_REQUEST',
    detail: 'the request does not have the expected shape',
    errors: [{ path: 'expiresAt', message: 'must be in the future; to end an agent now, kill it' }],
  })
