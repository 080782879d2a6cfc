import { CancelReply, OkReply, type ProfileRequest, type ProvisionRequest } from '@convos/agent-server/contract'
import { Deadline, Problem } from '@convos/kit'
import type { z } from 'zod'
import type { ConfigureReply, ConfigureRequest } from '../contract/index.ts'
import type { Context } from '../context.ts'
import { bindClaim, nextProfileRevision, probeSoon, recordConfigured, unbindClaim } from '../db/instances.ts'
import { AFTER_CLAIM, CONFIGURE, CONFIGURE_JOIN, INSTANCE_CALL, RESERVE } from '../limits.ts'
import { claimedProjectName } from '../naming.ts'
import { foreignClaim, runningInstance, unknownInstance } from './access.ts'
import { callInstance } from './call.ts'
import { ProvisionAnswer } from './health.ts'
import { claimEnv } from './tools.ts'

/** Makes an untouched instance the agent of one claim: one call to it, whose repeat answers the same. */
export async function configureInstance(
  ctx: Context,
  instanceId: string,
  { claimId, agentName, instructions, model, joinUrl, allowedTools }: ConfigureRequest,
): Promise<z.infer<typeof ConfigureReply>> {
  const deadline = new Deadline(joinUrl ? CONFIGURE_JOIN : CONFIGURE)
  const instance = await runningInstance(ctx, instanceId)
  // before the call: should we die in it, whose the instance is must not be forgotten
  const wantedName = claimedProjectName(agentName, instanceId)
  if (!(await bindClaim(ctx.db, { instanceId, claimId, allowedTools, wantedName }))) {
    // it may have been wished away a moment ago
    await runningInstance(ctx, instanceId)
    throw foreignClaim()
  }
  const env = await claimEnv(ctx, { instanceId, claimId })
  const body: ProvisionRequest = { claimId, agentName, instructions, model, joinUrl: joinUrl ?? null, env }
  try {
    const { ok, conversationId, inviteUrl, joined, status } = await callInstance(instance, {
      method: 'POST',
      path: '/pool/provision',
      json: body,
      timeoutMs: deadline.leftMs - RESERVE,
      reply: ProvisionAnswer,
    })
    await recordConfigured(ctx.db, { instanceId, claimId, afterMs: AFTER_CLAIM })
    ctx.wished(instanceId)
    return {
      ok,
      conversationId,
      inviteUrl,
      joined,
      status,
      gatewayUrl: instance.url,
      gatewayToken: instance.gatewayToken,
    }
  } catch (err) {
    if (err instanceof Problem && err.code === 'FOREIGN_CLAIM') await unbindClaim(ctx.db, { instanceId, claimId })
    // whatever it did, its own word about it is wanted soon
    await probeSoon(ctx.db, instanceId)
    throw err
  }
}

/** Changes what the agent is called or told; its conversation stays. */
export async function reconfigureInstance(
  ctx: Context,
  instanceId: string,
  change: Omit<ProfileRequest, 'revision'>,
): Promise<void> {
  const instance = await runningInstance(ctx, instanceId)
  const revision = await nextProfileRevision(ctx.db, instanceId)
  if (revision === null) throw unknownInstance(instanceId)
  await callInstance(instance, {
    method: 'PATCH',
    path: '/pool/profile',
    json: { ...change, revision } satisfies ProfileRequest,
    timeoutMs: INSTANCE_CALL,
    reply: OkReply,
  })
}

/** Withdraws a claim; `joined` says that it came too late. */
export async function cancelClaim(ctx: Context, instanceId: string, claimId: string): Promise<z.infer<typeof CancelReply>> {
  const instance = await runningInstance(ctx, instanceId)
  try {
    return await callInstance(instance, {
      method: 'POST',
      path: '/pool/cancel',
      json: { claimId },
      timeoutMs: INSTANCE_CALL,
      reply: CancelReply,
    })
  } finally {
    await probeSoon(ctx.db, instanceId)
  }
}
