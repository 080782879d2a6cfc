import { endpoint, type Endpoint, Problem } from '@convos/kit'
import { z } from 'zod'
import { Credits, DestroyReply, InstanceId, OwnTools, ProvisionToolReply } from '../contract/index.ts'
import { type Caller, countOwnRequests } from '../db/callers.ts'
import { readTools } from '../db/tools.ts'
import { SELF_PROVISION } from '../limits.ts'
import type { PublicAuth, PublicContext, PublicDeps } from './context.ts'
import { callerOf } from './guards.ts'
import { mayUse, ownTools } from './own-tools.ts'

const Itself = z.object({ instanceId: InstanceId })
const OneTool = Itself.extend({ toolId: z.string() })

/** As the plugin measures it; what another version does not tell is null. */
const Sample = z.object({
  limit: Credits.shape.limit.catch(null),
  remaining: Credits.shape.remaining.catch(null),
  used: Credits.shape.used.catch(null),
  reset: Credits.shape.reset.catch(null),
  exhausted: Credits.shape.exhausted.catch(null),
})

/** What an instance gets for itself, gives back, and has left. */
export const toolEndpoints = (ctx: PublicContext, deps: PublicDeps): Endpoint<PublicAuth>[] => [
  endpoint({
    method: 'post',
    path: '/provision/:instanceId/:toolId',
    operationId: 'provisionOwnTool',
    summary: 'Gets the calling instance a tool; the same again is the same one',
    auth: 'instance',
    params: OneTool,
    body: z.strictObject({}),
    replies: { 200: ProvisionToolReply, 202: ProvisionToolReply },
    async handle({ params: { instanceId, toolId }, res }) {
      assertAllowed(callerOf(res), toolId)
      const reply = await deps.provisionTool({ instanceId, toolId, requestedBy: 'instance', quota: SELF_PROVISION })
      return { status: reply.state === 'creating' ? 202 : 200, body: reply }
    },
  }),

  endpoint({
    method: 'delete',
    path: '/destroy/:instanceId/:toolId/:resourceId',
    operationId: 'destroyOwnTool',
    summary: 'Gives a tool of the calling instance back',
    auth: 'instance',
    params: OneTool.extend({ resourceId: z.string().max(256) }),
    replies: { 200: DestroyReply, 202: DestroyReply },
    async handle({ params, res }) {
      assertAllowed(callerOf(res), params.toolId)
      const { ok } = await deps.destroyTool(params)
      return { status: ok ? 200 : 202, body: { ok } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/tools/:instanceId',
    operationId: 'listOwnTools',
    summary: 'The tools that the calling instance has, and those it may get',
    auth: 'instance',
    params: Itself,
    replies: { 200: OwnTools },
    async handle({ params: { instanceId }, res }) {
      const rows = await readTools(ctx.db, [instanceId])
      const requests = await countOwnRequests(ctx.db, { instanceId, perMs: SELF_PROVISION.perMs })
      return { status: 200, body: { tools: ownTools(callerOf(res), ctx.tools.getAll(), { rows, requests }) } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/credits/:instanceId',
    operationId: 'getOwnCredits',
    summary: "What the calling instance's model key may still spend",
    auth: 'instance',
    params: Itself,
    replies: { 200: Credits },
    async handle({ params: { instanceId } }) {
      const usage = await deps.toolUsage(instanceId, 'openrouter')
      return { status: 200, body: { ...Sample.parse(usage?.sample ?? {}), at: usage?.at ?? null } }
    },
  }),
]

function assertAllowed(caller: Caller, toolId: string): void {
  if (!mayUse(caller, toolId))
    throw new Problem({ status: 403, code: 'TOOL_NOT_ALLOWED', detail: 'this is no tool that the instance may get for itself' })
}
