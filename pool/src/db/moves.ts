import type { Queryable } from '@convos/kit'
import type { Status } from '../contract/index.ts'
import { assertAllowed } from '../fleet/lifecycle.ts'
import { CLAIM_EVENTS } from './events.ts'

/** One change of status as decided from a snapshot: it happens only if the row still is what the snapshot said. */
export interface Move {
  id: string
  from: Status
  to: Status
  claimId: string | null
  type: string
  reason: string
  detail?: Record<string, unknown>
}

/**
 * Applies a batch of moves in one statement, each still a compare-and-set on (id, status, claim); rows that someone else
 * is writing now are left to the next pass. Answers the ids that moved.
 */
export async function moveInstances(db: Queryable, p: { moves: readonly Move[]; actor: string }): Promise<Set<string>> {
  for (const move of p.moves) assertAllowed(move.from, move.to)
  if (p.moves.length === 0) return new Set()
  const { rows } = await db.query<{ instance_id: string }>({
    name: 'move_instances',
    values: [JSON.stringify(p.moves.map(toRecord)), p.actor],
    text: `
      with wanted as (
        select w.id, w.from_status, w.to_status, w.claim_id, w.type, w.reason, w.detail
        from jsonb_to_recordset($1::jsonb) as w(id text, from_status text, to_status text, claim_id text, type text, reason text,
          detail jsonb)
      ), held as (
        select i.id from instances i join wanted w on w.id = i.id
        where i.status = w.from_status and i.claim_id is not distinct from w.claim_id
          -- an operator may have protected it, or given it more time, since it was read
          and (w.type <> 'expired' or i.expires_at <= clock_now())
          and (w.type not in ('expired', 'auto_destroy', 'aged_out', 'rolled_out') or not i.protected)
        order by i.id for update of i skip locked
      ), moved as (
        update instances i set status = w.to_status, status_reason = w.reason, status_since = clock_now(),
          -- the first time: how long it took to be made is told by it
          ready_at = case when w.to_status = 'ready' then coalesce(i.ready_at, clock_now()) else i.ready_at end,
          -- the date was set for the claim that is known here: what is in the box does not end by it,
          expires_at = case when w.type = 'foreign_claim' then null else i.expires_at end,
          -- nor by whoever claimed it here and did not get it
          claim_id = case when w.type <> 'foreign_claim' or w.from_status = 'claimed' then i.claim_id end,
          principal = case when w.type <> 'foreign_claim' or w.from_status = 'claimed' then i.principal end
        from wanted w join held on held.id = w.id where i.id = w.id
        returning i.id, w.from_status, w.to_status, w.claim_id, w.type, w.reason, w.detail
      ), told as (
        update claims c set state = 'failed', idem_key = null, join_hash = null, finished_at = clock_now(),
          error = jsonb_build_object('status', 503, 'code', 'INSTANCE_LOST', 'detail', 'its instance was lost: ' || m.reason)
        from moved m
        where c.id = m.claim_id and c.instance_id = m.id and c.state in ('running', 'pending') and m.to_status in ('crashed', 'deleting')
      ), ended as (
        update claims c set state = 'ended'
        from moved m where c.id = m.claim_id and c.instance_id = m.id and c.state = 'done' and m.to_status = 'deleting'
      )
      insert into instance_events (instance_id, claim_id, type, from_status, to_status, reason, actor, detail)
      select id, claim_id, type, from_status, to_status, reason, $2, detail from moved
      returning instance_id`,
  })
  return new Set(rows.map((row) => row.instance_id))
}

const toRecord = (m: Move) => ({
  id: m.id,
  from_status: m.from,
  to_status: m.to,
  claim_id: m.claimId,
  type: m.type,
  reason: m.reason,
  detail: m.detail ?? null,
})

/**
 * A person's wish to end instances: from any of the given statuses to `deleting`, waiting for whoever holds the row now. Never
 * a protected one, and only while it belongs to the claim that the person saw on it (null: to none). Answers the ids that are
 * on their way out because of this call. Their claims are to be told in the same transaction, see `endClaimsOn`.
 */
export async function beginDeleting(
  tx: Queryable,
  p: {
    ids: readonly string[]
    from: readonly Status[]
    claimId: string | null
    type: string
    reason: string
    actor: string
    requestId: string | null
  },
): Promise<string[]> {
  for (const from of p.from) assertAllowed(from, 'deleting')
  const { rows } = await tx.query<{ instance_id: string }>({
    name: 'begin_deleting',
    values: [p.ids, p.from, p.type, p.reason, p.actor, p.requestId, p.claimId],
    text: `
      with held as (
        select id, status from instances
        where id = any($1) and status = any($2) and claim_id is not distinct from $7 and not protected
        order by id for update
      ), moved as (
        update instances i set status = 'deleting', status_reason = $4, status_since = clock_now()
        from held where i.id = held.id
        returning i.id, i.claim_id, held.status as from_status
      )
      insert into instance_events (instance_id, claim_id, type, from_status, to_status, reason, actor, request_id)
      select id, claim_id, $3, from_status, 'deleting', $4, $5, $6 from moved
      returning instance_id`,
  })
  return rows.map((row) => row.instance_id)
}

/**
 * Ends the claims on instances that are being deleted: what was done has ended, what was not has become `unfinished`. A
 * statement of its own: the one that waited for the instances' rows would look at the claims with a snapshot from before.
 */
export async function endClaimsOn(
  tx: Queryable,
  p: {
    instanceIds: readonly string[]
    unfinished: 'failed' | 'cancelled'
    reason: string
    actor: string
    requestId: string | null
  },
): Promise<void> {
  await tx.query({
    name: 'end_claims_on',
    values: [p.instanceIds, p.unfinished, p.reason, p.actor, p.requestId, CLAIM_EVENTS[p.unfinished]],
    text: `
      with over as (
        update claims set
          state = case when state = 'done' then 'ended' else $2 end,
          error = case when state = 'done' then error when $2 = 'failed' then
            '{"status": 503, "code": "INSTANCE_LOST", "detail": "its instance was deleted before the claim was done"}'::jsonb end,
          idem_key = case when state = 'done' then idem_key end,
          join_hash = case when state = 'done' then join_hash end,
          finished_at = coalesce(finished_at, clock_now())
        where instance_id = any($1) and state in ('running', 'pending', 'done')
        returning id, instance_id, state
      )
      insert into instance_events (instance_id, claim_id, type, reason, actor, request_id)
      select instance_id, id, case state when 'ended' then '${CLAIM_EVENTS.ended}' else $6 end, $3, $4, $5 from over`,
  })
}

/** How many boxes automation destroyed within the last hour. The time is read once: see retention.ts. */
export async function countAutoDestroyed(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'count_auto_destroyed',
    text: `
      select count(*)::int as n from instance_events
      where type in ('auto_destroy', 'aged_out') and at > (select clock_now() - interval '1 hour')`,
  })
  return rows[0]?.n ?? 0
}
