/** The writes of the one claim that owns a box: each names the box, its status and the claim, and is told with the claim's request. */
import type { Queryable } from '@convos/kit'
import type { Status } from '../contract/index.ts'
import { assertAllowed } from '../fleet/lifecycle.ts'
import type { ClaimError } from './claims.ts'
import { CLAIM_EVENTS } from './events.ts'

export interface Owned {
  claimId: string
  instanceId: string
}

/** Whether the box still is the claim's, and nothing has reached it. */
export async function ownsUntouched(db: Queryable, p: Owned): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'owns_untouched',
    values: [p.instanceId, p.claimId],
    text: `select 1 from instances where id = $1 and status = 'claiming' and claim_id = $2 and touched_at is null`,
  })
  return rowCount === 1
}

/**
 * The last write before a call may reach the box, when its tools are made: from here on it is never handed to anyone else.
 * False when it is lost.
 */
export async function markTouched(
  db: Queryable,
  p: Owned & { agentName: string; instructions: string; model: string | null },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'mark_touched',
    values: [p.instanceId, p.claimId, p.agentName, p.instructions, p.model],
    text: `
      with box as (
        update instances set touched_at = clock_now(), agent_name = $3, instructions = $4, model = $5,
          overrides = (select overrides from claims where id = $2),
          parent_instance = (select parent_instance from claims where id = $2)
        where id = $1 and status = 'claiming' and claim_id = $2 and touched_at is null
        returning id, principal, touched_at
      ), told as (
        update claims c set tools_at = box.touched_at from box where c.id = $2 and c.instance_id = box.id and c.has_tools
      )
      insert into instance_events (instance_id, claim_id, type, reason, actor, request_id)
      select id, $2, 'touched', 'it is being made an agent', coalesce(principal, 'pool'), (select request_id from claims where id = $2)
      from box`,
  })
  return rowCount === 1
}

/** A box that says it was reached, though no write of ours says so. */
export async function markFound(db: Queryable, p: Owned): Promise<void> {
  await db.query({
    name: 'mark_found',
    values: [p.instanceId, p.claimId],
    text: `
      with box as (
        update instances set touched_at = clock_now()
        where id = $1 and status = 'claiming' and claim_id = $2 and touched_at is null returning id
      )
      insert into instance_events (instance_id, claim_id, type, reason, actor)
      select id, $2, 'touched', 'it says so itself', 'pool' from box`,
  })
}

const KEPT = { claimed: 'it is an agent with a conversation', pending: 'it waits to be let into the conversation' }

/** The box is the claim's: `claimed`, or `pending` until it is let in. False when it was lost meanwhile. */
export async function keepBox(
  db: Queryable,
  p: Owned & {
    from: 'claiming' | 'pending'
    to: 'claimed' | 'pending'
    conversationId: string | null
    inviteUrl: string | null
    joined: boolean
    actor: string
  },
): Promise<boolean> {
  assertAllowed(p.from, p.to)
  const { rows } = await db.query({
    name: 'keep_box',
    values: [p.instanceId, p.claimId, p.from, p.to, p.conversationId, p.inviteUrl, p.joined, p.actor, KEPT[p.to]],
    text: `
      with box as (
        update instances set status = $4, status_reason = null, status_since = clock_now(), conversation_id = $5,
          invite_url = coalesce($6, invite_url), claimed_at = coalesce(claimed_at, clock_now())
        where id = $1 and status = $3 and claim_id = $2 and touched_at is not null
        returning id
      ), told as (
        update claims c set state = case when $4 = 'pending' then 'pending' else 'done' end, conversation_id = $5,
          invite_url = coalesce($6, c.invite_url), joined = $7, configured_at = coalesce(c.configured_at, clock_now()),
          finished_at = case when $4 = 'claimed' then clock_now() end
        from box where c.id = $2 and c.instance_id = box.id and c.state in ('running', 'pending')
      )
      insert into instance_events (instance_id, claim_id, type, from_status, to_status, reason, actor, request_id)
      select id, $2, $4, $3, $4, $9, $8, (select request_id from claims where id = $2) from box returning id`,
  })
  return rows.length === 1
}

export type AfterBox =
  /** Back to the head of the queue, for another box, as long as there is time for one. */
  { state: 'queued'; leaseMs: number; reserveMs: number } | { state: 'failed' | 'cancelled'; error: ClaimError | null }

/**
 * The claim gives its box up, in one step with what becomes of the claim. Only a box that nothing reached goes back to
 * ready; one that turned out to be another claim's is left `crashed`. False when the box was lost meanwhile.
 */
export async function leaveBox(
  db: Queryable,
  p: Owned & {
    from: 'claiming' | 'pending'
    to: Extract<Status, 'ready' | 'stuck' | 'crashed'>
    type: string
    reason: string
    claim: AfterBox
    actor: string
  },
): Promise<boolean> {
  assertAllowed(p.from, p.to)
  const again = p.claim.state === 'queued' ? p.claim : null
  const error = p.claim.state === 'queued' ? null : p.claim.error
  const { rows } = await db.query({
    name: 'leave_box',
    values: [
      p.instanceId,
      p.claimId,
      p.from,
      p.to,
      p.type,
      p.reason,
      p.actor,
      p.claim.state,
      error && JSON.stringify(error),
      again?.leaseMs ?? null,
      again?.reserveMs ?? null,
    ],
    text: `
      with box as (
        update instances set status = $4, status_reason = $6, status_since = clock_now(),
          -- in a tainted box is what the claim left; one that is nobody's, or somebody else's, is none of its claimer's
          claim_id = case when $4 = 'stuck' then claim_id end, principal = case when $4 = 'stuck' then principal end,
          agent_name = case when $4 = 'stuck' then agent_name end, instructions = case when $4 = 'stuck' then instructions end,
          model = case when $4 = 'stuck' then model end, overrides = case when $4 = 'stuck' then overrides end,
          template_id = case when $4 = 'stuck' then template_id end,
          template_version = case when $4 = 'stuck' then template_version end,
          parent_instance = case when $4 = 'stuck' then parent_instance end,
          owner_id = case when $4 = 'stuck' then owner_id end, owner_address = case when $4 = 'stuck' then owner_address end,
          -- it was the claim's: whatever is in the box now does not end by it
          expires_at = null
        where id = $1 and status = $3 and claim_id = $2 and ($4 <> 'ready' or touched_at is null)
        returning id
      ), told as (
        update claims c set state = $8, instance_id = null, error = $9::jsonb,
          tainted = c.tainted + case when $4 = 'ready' then 0 else 1 end,
          idem_key = case when $8 = 'queued' then c.idem_key end, join_hash = case when $8 = 'queued' then c.join_hash end,
          finished_at = case when $8 <> 'queued' then clock_now() end,
          lease_until = coalesce(clock_now() + $10::int * interval '1 ms', c.lease_until),
          wait_until = coalesce(c.deadline - $11::int * interval '1 ms', c.wait_until)
        from box where c.id = $2 and c.instance_id = box.id and c.state in ('running', 'pending')
      )
      insert into instance_events (instance_id, claim_id, type, from_status, to_status, reason, actor, request_id)
      select id, $2, $5, $3, $4, $6, $7, (select request_id from claims where id = $2) from box returning id`,
  })
  return rows.length === 1
}

/** Ends a running claim that has lost its box, where nobody told it. */
export async function failRunning(db: Queryable, p: { claimId: string; error: ClaimError }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'fail_running',
    values: [p.claimId, JSON.stringify(p.error)],
    text: `
      with failed as (
        update claims c set state = 'failed', idem_key = null, join_hash = null, error = $2::jsonb, finished_at = clock_now()
        where c.id = $1 and c.state = 'running'
          and not exists (select 1 from instances i where i.claim_id = c.id and i.status in ('claiming', 'pending', 'claimed'))
        returning c.id, c.error, c.request_id
      )
      insert into instance_events (claim_id, type, reason, actor, request_id)
      select id, '${CLAIM_EVENTS.failed}', error ->> 'detail', 'pool', request_id from failed`,
  })
  return rowCount === 1
}
