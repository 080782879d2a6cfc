import type { Deadline } from '@convos/kit'
import type { StatusDetail } from '@convos/services/contract'
import { mapAtMost } from '../concurrency.ts'
import type { Context } from '../context.ts'
import { databaseNow } from '../db/instances.ts'
import { cancelLostQueued, type LostClaim, takeLostRunning } from '../db/lost.ts'
import { failRunning, keepBox, leaveBox, markFound } from '../db/owned.ts'
import { boundTo } from './pending.ts'
import { isForeignBox, takeToolsBack } from './tools.ts'

const INTERRUPTED = { status: 503, code: 'INTERRUPTED', detail: 'the claim was interrupted; claim again' }

const FOREIGN = 'it is bound to another claim'

/** How long one sweep waits for the tools of one box to be gone. */
const TAKE_BACK_MS = 5_000

/**
 * Ends claims whose worker is gone. Their bodies are not stored, so none is resumed: who waited is cancelled, an untouched
 * box that says so itself goes back as soon as it has no tools of the claim, any other is asked what has become of it.
 */
export async function sweepLostClaims(ctx: Context, deadline: Deadline): Promise<void> {
  const { db, limits, log, services, signals } = ctx
  const cancelled = await cancelLostQueued(db)
  const lost = await takeLostRunning(db, limits.tickLeaseMs)
  if (cancelled + lost.length > 0) log.warn({ cancelled, claimIds: lost.map((c) => c.id) }, 'ending claims that nobody works on')

  /** Each on its own: one that cannot be ended now keeps no other. */
  const endEach = (claims: LostClaim[], end: (claim: LostClaim) => Promise<unknown>) =>
    mapAtMost(limits.callsParallel, claims, async (claim) => {
      try {
        await end(claim)
      } catch (err) {
        log.warn({ err, claimId: claim.id, instanceId: claim.instance_id }, 'a lost claim could not be ended; it is tried again')
      }
    })
  await endEach(
    lost.filter((claim) => !claim.owns),
    (claim) => failRunning(db, { claimId: claim.id, error: INTERRUPTED }),
  )
  const owners = lost.filter((claim) => claim.owns)
  if (owners.length === 0) return
  const details = await services.statuses(
    owners.map((c) => c.instance_id),
    deadline,
  )
  const now = await databaseNow(db)
  await endEach(owners, (claim) => settle(ctx, claim, details.get(claim.instance_id), now, deadline))
  signals.emit('changed', 'shrunk', 'ready')
}

async function settle(
  ctx: Context,
  claim: LostClaim,
  detail: StatusDetail | undefined,
  now: Date,
  deadline: Deadline,
): Promise<void> {
  const { db, limits, services } = ctx
  if (!detail || detail.state === 'unknown') return
  const owned = { instanceId: claim.instance_id, claimId: claim.id }
  if (claim.touched_at === null) {
    if (!isBound(detail)) return giveBack(ctx, claim, deadline)
    // a restored database may have forgotten that it was: what the box says counts
    await markFound(db, owned)
  }
  const joined = claim.mode === 'join'
  const bound = boundTo(detail, claim.id)
  if (bound) {
    await keepBox(db, { ...owned, from: 'claiming', to: 'claimed', ...bound, joined, actor: 'pool' })
    return
  }
  const { health } = detail
  const answers = detail.failures === 0 && health !== null && now.getTime() - Date.parse(health.at) <= limits.freshMs
  if (answers && health.claimId !== null && health.claimId !== claim.id) {
    await leave(ctx, claim, 'crashed', 'failed', FOREIGN, 'foreign_claim')
    return
  }
  if (answers && health.binding === 'working') return
  const asked = health?.claimId === claim.id && health.binding === 'pending'
  if (asked || (!answers && joined)) {
    const unknown = { conversationId: null, inviteUrl: null, joined: false }
    await keepBox(db, { ...owned, from: 'claiming', to: 'pending', ...unknown, actor: 'pool' })
    return
  }
  if (!answers) {
    await leave(ctx, claim, 'stuck', 'failed', 'its claim was interrupted and it does not answer')
    return
  }
  // it answers and is unbound: make sure that it stays so, then give it up
  const { joined: late } = await services.cancel(claim.instance_id, claim.id, Math.min(limits.cancelMs, deadline.leftMs))
  if (!late) await leave(ctx, claim, 'stuck', 'cancelled', 'its claim was interrupted')
}

const isBound = ({ health }: StatusDetail): boolean =>
  health !== null && (health.binding !== 'none' || health.claimId !== null || health.conversationId !== null)

/** Nothing reached it but tools: once those are gone, which a later sweep sees as well, it is as it was. */
async function giveBack(ctx: Context, claim: LostClaim, deadline: Deadline): Promise<void> {
  const ids = { instanceId: claim.instance_id, claimId: claim.id }
  try {
    if (!(await takeToolsBack(ctx, ids, deadline.within(TAKE_BACK_MS)))) return
  } catch (err) {
    if (!isForeignBox(err)) throw err
    return leave(ctx, claim, 'crashed', 'failed', FOREIGN, 'foreign_claim')
  }
  await leave(ctx, claim, 'ready', 'failed', 'its claim was interrupted before anything reached it')
}

async function leave(
  ctx: Context,
  claim: LostClaim,
  to: 'ready' | 'stuck' | 'crashed',
  state: 'failed' | 'cancelled',
  reason: string,
  type = to === 'ready' ? 'released' : 'tainted',
): Promise<void> {
  const owned = { instanceId: claim.instance_id, claimId: claim.id }
  const after = { state, error: INTERRUPTED }
  await leaveBox(ctx.db, { ...owned, from: 'claiming', to, type, reason, claim: after, actor: 'pool' })
}
