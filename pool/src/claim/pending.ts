import { Deadline } from '@convos/kit'
import type { StatusDetail } from '@convos/services/contract'
import type { Context } from '../context.ts'
import { keepBox, leaveBox, type Owned } from '../db/owned.ts'

const NOT_LET_IN = { status: 409, code: 'NOT_LET_IN', detail: 'the agent was not let into the conversation' }

/** A pending agent was let in: the claim is done. */
export async function admit(
  ctx: Context,
  p: { id: string; claimId: string; conversationId: string; inviteUrl: string | null },
): Promise<void> {
  const { id: instanceId, claimId, conversationId, inviteUrl } = p
  const how = { from: 'pending', to: 'claimed', joined: true, actor: 'pool' } as const
  if (await keepBox(ctx.db, { instanceId, claimId, conversationId, inviteUrl, ...how })) ctx.signals.emit('changed')
}

/**
 * Ends a pending claim that is not let in, but only once the instance itself confirmed that it is not and will not be in the
 * conversation. No answer leaves it pending.
 */
export async function withdraw(ctx: Context, p: { id: string; claimId: string; reason: string }): Promise<void> {
  const owned = { instanceId: p.id, claimId: p.claimId }
  try {
    const { joined } = await ctx.services.cancel(p.id, p.claimId, ctx.limits.cancelMs)
    if (joined) return await admitJoined(ctx, owned)
    const claim = { state: 'failed', error: NOT_LET_IN } as const
    await leaveBox(ctx.db, { ...owned, from: 'pending', to: 'stuck', type: 'tainted', reason: p.reason, claim, actor: 'pool' })
    ctx.signals.emit('changed')
  } catch (err) {
    ctx.log.warn({ err, instanceId: p.id, claimId: p.claimId }, 'a pending claim could not be withdrawn; it stays pending')
  }
}

async function admitJoined(ctx: Context, owned: Owned): Promise<void> {
  const found = await readBinding(ctx, owned)
  if (found) await admit(ctx, { id: owned.instanceId, claimId: owned.claimId, ...found })
}

/** The conversation that the box reports for this claim, if services can tell now. */
export async function readBinding(
  ctx: Context,
  { instanceId, claimId }: Owned,
): Promise<{ conversationId: string; inviteUrl: string | null } | null> {
  const details = await ctx.services.statuses([instanceId], new Deadline(ctx.limits.statusCallMs))
  return boundTo(details.get(instanceId), claimId)
}

/** The conversation of a box that is bound to this claim for good. */
export function boundTo(detail: StatusDetail | undefined, claimId: string) {
  const health = detail?.health
  if (health?.binding !== 'active' || health.claimId !== claimId || health.conversationId === null) return null
  return { conversationId: health.conversationId, inviteUrl: health.inviteUrl }
}
