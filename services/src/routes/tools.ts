import { type Endpoint, endpoint } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import {
  DestroyReply,
  ForClaim,
  InstanceId,
  ProvisionToolReply,
  ProvisionToolRequest,
  ToolReply,
  UpdateToolRequest,
  ValidateRequest,
} from '../contract/index.ts'
import { destroyTool, measuredTool, provisionTool, updateTool, validateUserConfig } from '../instance/provision.ts'

const ToolId = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be the id of a tool')
const ByTool = z.object({ instanceId: InstanceId, toolId: ToolId })

/** Tools of live instances. Nothing of their secrets is ever answered. */
export const toolRoutes = (ctx: Context): Endpoint<'pool'>[] => [
  endpoint({
    method: 'post',
    path: '/validate/:toolId',
    operationId: 'validateUserConfig',
    summary: "Ask a tool's provider whether a claimer's credentials work; nothing is stored",
    auth: 'pool',
    params: z.object({ toolId: ToolId }),
    body: ValidateRequest,
    replies: { 200: DestroyReply },
    async handle({ params: { toolId }, body: { userConfig } }) {
      await validateUserConfig(ctx, toolId, userConfig)
      return { status: 200, body: { ok: true as const } }
    },
  }),

  endpoint({
    method: 'post',
    path: '/provision/:instanceId/:toolId',
    operationId: 'provisionTool',
    summary: 'Give an instance a tool; the same again is the same tool',
    auth: 'pool',
    params: ByTool,
    body: ProvisionToolRequest,
    replies: {
      200: ProvisionToolReply.describe('it is there, or was given up: see its state'),
      202: ProvisionToolReply.describe('it is still being made, and will finish by itself'),
    },
    async handle({ params, body: { userConfig, claimId } }) {
      const tool = await provisionTool(ctx, { ...params, requestedBy: 'pool', userConfig, claimId })
      return { status: tool.state === 'creating' ? 202 : 200, body: tool }
    },
  }),

  endpoint({
    method: 'get',
    path: '/provision/:instanceId/:toolId',
    operationId: 'getTool',
    summary: 'A tool of an instance, with what was used of it at most five minutes ago',
    auth: 'pool',
    params: ByTool,
    replies: { 200: ToolReply },
    handle: async ({ params }) => ({ status: 200, body: await measuredTool(ctx, params) }),
  }),

  endpoint({
    method: 'patch',
    path: '/provision/:instanceId/:toolId',
    operationId: 'updateTool',
    summary: 'Change what a tool is set to, e.g. its credit limit',
    auth: 'pool',
    params: ByTool,
    body: UpdateToolRequest,
    replies: { 200: ProvisionToolReply },
    handle: async ({ params, body }) => ({ status: 200, body: await updateTool(ctx, { ...params, change: body }) }),
  }),

  endpoint({
    method: 'delete',
    path: '/destroy/:instanceId/:toolId/:resourceId',
    operationId: 'destroyTool',
    summary: 'Take a tool from an instance; ask again until it is gone',
    auth: 'pool',
    params: ByTool.extend({ resourceId: z.string().min(1).max(512) }),
    query: ForClaim,
    replies: {
      200: DestroyReply.describe('it is gone, or retained as what cannot be deleted'),
      202: DestroyReply.describe('it is not confirmed gone yet'),
    },
    async handle({ params, query: { claimId } }) {
      const { state } = await destroyTool(ctx, { ...params, claimId })
      const ok = state === 'destroyed' || state === 'retained'
      return { status: ok ? 200 : 202, body: { ok } }
    },
  }),
]
