import type { Queryable } from '@convos/kit'
import type { ClaimMode } from './claims.ts'
import { CLAIM_EVENTS } from './events.ts'
import { NONCE_USED } from './nonces.ts'

export interface Reservation {
  claimId: string
  instanceId: string
  mode: ClaimMode
  /** Boxes that this claim tainted before. */
  tainted: number
  /** Until the caller is answered, ms. */
  leftMs: number
}

/**
 * Pairs the oldest queued claim with the best ready instance, which is one on the wanted image where that is trusted, then the
 * oldest; null when either is missing. Both rows are skipped where another one is pairing them, and an instance is only looked
 * for once a claim is held: whatever is locked here is used.
 *
 * The nonce of its owner's signature is burnt with the reservation, so that a claim that never had a box leaves it usable. A
 * claim whose nonce another one has burnt ends here instead, and the next in the queue is looked at.
 */
export async function reserveNext(
  db: Queryable,
  p: { createMs: number; joinMs: number; leaseExtraMs: number },
): Promise<Reservation | null> {
  const { rows } = await db.query<Reservation | { instanceId: null }>({
    name: 'reserve_next',
    values: [p.createMs, p.joinMs, p.leaseExtraMs, JSON.stringify(NONCE_USED)],
    text: `
      with claim as materialized (
        select id, principal, agent_name, mode, owner_address, owner_inbox_id, owner_nonce, owner_nonce_expires_at, expires_at,
          coalesce(deadline, clock_now() + (case mode when 'join' then $2::int else $1::int end) * interval '1 ms') as deadline
        from claims where state = 'queued' and lease_until > clock_now()
        order by seq limit 1 for update skip locked
      ), box as materialized (
        select id from instances where status = 'ready' and exists (select 1 from claim)
        order by (image = (
          select m.image from images m join settings s on s.wanted_image = m.image
          where m.trusted_at is not null and m.opened_at is null
        )) is true desc, created_at, id limit 1 for update skip locked
      ), burnt as (
        insert into used_nonces (nonce, claim_id, expires_at)
        select owner_nonce, claim.id, owner_nonce_expires_at from claim cross join box where owner_nonce is not null
        -- its own again, for another box
        on conflict (nonce) do update set claim_id = excluded.claim_id where used_nonces.claim_id = excluded.claim_id
        returning nonce
      ), refused as (
        update claims c set state = 'failed', idem_key = null, join_hash = null, finished_at = clock_now(), error = $4::jsonb
        from claim cross join box
        where c.id = claim.id and claim.owner_nonce is not null and not exists (select 1 from burnt)
        returning c.id, c.mode, c.tainted, c.request_id
      ), told as (
        insert into instance_events (claim_id, type, reason, actor, request_id)
        select id, '${CLAIM_EVENTS.failed}', $4::jsonb ->> 'detail', 'pool', request_id from refused
      ), reserved as (
        update instances i set status = 'claiming', status_reason = null, status_since = clock_now(), claim_id = claim.id,
          principal = claim.principal, agent_name = claim.agent_name, owner_address = claim.owner_address,
          owner_id = claim.owner_inbox_id, expires_at = claim.expires_at
        from box cross join claim where i.id = box.id and (claim.owner_nonce is null or exists (select 1 from burnt))
        returning i.id
      ), running as (
        update claims c set state = 'running', instance_id = reserved.id, reserved_at = clock_now(), tools_at = null,
          deadline = claim.deadline, lease_until = claim.deadline + $3::int * interval '1 ms'
        from reserved cross join claim where c.id = claim.id
        returning c.id, c.instance_id, c.mode, c.tainted, c.deadline, c.principal, c.request_id
      ), noted as (
        insert into instance_events (instance_id, claim_id, type, from_status, to_status, reason, actor, request_id)
        select instance_id, id, 'reserved', 'ready', 'claiming', 'its claim was first in the queue', principal, request_id from running
      )
      select id as "claimId", instance_id as "instanceId", mode, tainted,
        extract(epoch from deadline - clock_now())::float8 * 1000 as "leftMs"
      from running
      union all select id, null, mode, tainted, 0 from refused`,
  })
  const [row] = rows
  if (row?.instanceId === null) return reserveNext(db, p)
  return row ?? null
}
