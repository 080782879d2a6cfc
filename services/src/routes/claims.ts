import { type Endpoint, endpoint } from '@convos/kit'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { CancelReply, CancelRequest, ConfigureReply, ConfigureRequest, ReconfigureRequest } from '../contract/index.ts'
import { cancelClaim, configureInstance, reconfigureInstance } from '../instance/configure.ts'
import { ByInstance } from './instances.ts'

/** What a claim does to its instance; nothing of the instructions is kept or logged here. */
export const claimRoutes = (ctx: Context): Endpoint<'pool'>[] => [
  endpoint({
    method: 'post',
    path: '/configure/:instanceId',
    operationId: 'configureInstance',
    summary: 'Make an untouched instance the agent of one claim; a repeat answers the same',
    auth: 'pool',
    params: ByInstance,
    body: ConfigureRequest,
    replies: { 200: ConfigureReply },
    handle: async ({ params: { instanceId }, body }) => ({ status: 200, body: await configureInstance(ctx, instanceId, body) }),
  }),
  endpoint({
    method: 'patch',
    path: '/configure/:instanceId',
    operationId: 'reconfigureInstance',
    summary: 'Change what an agent is called or told; its conversation stays',
    auth: 'pool',
    params: ByInstance,
    body: ReconfigureRequest,
    replies: { 200: z.object({ ok: z.literal(true) }) },
    async handle({ params: { instanceId }, body: { agentName, instructions, model } }) {
      await reconfigureInstance(ctx, instanceId, { agentName, instructions, model })
      return { status: 200, body: { ok: true as const } }
    },
  }),
  endpoint({
    method: 'post',
    path: '/cancel/:instanceId',
    operationId: 'cancelClaim',
    summary: 'Withdraw a claim; `joined` says that it came too late',
    auth: 'pool',
    params: ByInstance,
    body: CancelRequest,
    replies: { 200: CancelReply },
    handle: async ({ params: { instanceId }, body }) => ({ status: 200, body: await cancelClaim(ctx, instanceId, body.claimId) }),
  }),
]
