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

export interface ReservationTerms {
  createMs: number
  joinMs: number
  leaseExtraMs: number
}

/**
 * Pairs the oldest queued claims with the best ready instances, at most `limit` of them: instances on the wanted image first
 * where that is trusted, then the oldest. An instance that another statement holds is skipped. A claim that one holds is waited
 * for, or a younger one would be served before it while its lease is renewed: claims are held in the order of the queue, and whatever
 * else holds several of them skips those it cannot have, so that nobody waits in a circle. No more claims are held than there are
 * instances, nor instances than claims: hardly anything is locked here that is not used.
 *
 * The nonce of an owner's signature is burnt with the reservation, so that a claim that never had a box leaves it usable. A claim
 * whose nonce another one has burnt ends here instead.
 * @returns the pairs, and whether there may be more
 */
export async function reserve(
  db: Queryable,
  p: ReservationTerms & { limit: number },
): Promise<{ reserved: Reservation[]; more: boolean }> {
  const { rows } = await db.query<Reservation | (Omit<Reservation, 'instanceId'> & { instanceId: null })>({
    name: 'reserve',
    values: [p.createMs, p.joinMs, p.leaseExtraMs, JSON.stringify(NONCE_USED), p.limit],
    text: `
      with room as materialized (
        select least(
          (select count(*) from (select from claims where state = 'queued' limit $5) waiting),
          (select count(*) from (select from instances where status = 'ready' limit $5) ready)) as pairs
      ), claim as materialized (
        select id, seq, principal, agent_name, mode, owner_address, owner_inbox_id, owner_nonce, owner_nonce_expires_at, expires_at,
          coalesce(deadline, clock_now() + (case mode when 'join' then $2::int else $1::int end) * interval '1 ms') as deadline
        from claims where state = 'queued' and lease_until > clock_now()
        order by seq limit (select pairs from room) for update
      ), trusted as materialized (
        select m.image from images m join settings s on s.wanted_image = m.image
        where m.trusted_at is not null and m.opened_at is null
      ), best as materialized (
        select id, created_at from instances where status = 'ready' and image = (select image from trusted)
        order by created_at, id limit (select count(*) from claim) for update skip locked
      ), other as materialized (
        select id, created_at from instances where status = 'ready' and (image = (select image from trusted)) is not true
        order by created_at, id limit (select count(*) from claim) - (select count(*) from best) for update skip locked
      ), pair as materialized (
        select claim.*, box.id as box_id
        from (select *, row_number() over (order by seq) as n from claim) claim
        join (
          select id, row_number() over (order by rank, created_at, id) as n
          from (select id, created_at, 1 as rank from best union all select id, created_at, 2 from other) both_kinds
        ) box using (n)
      ), burnt as (
        insert into used_nonces (nonce, claim_id, expires_at)
        select owner_nonce, id, owner_nonce_expires_at from pair where owner_nonce is not null
        -- its own again, for another box
        on conflict (nonce) do update set claim_id = excluded.claim_id where used_nonces.claim_id = excluded.claim_id
        returning nonce
      ), refused as (
        update claims c set state = 'failed', idem_key = null, join_hash = null, finished_at = clock_now(), error = $4::jsonb
        from pair
        where c.id = pair.id and pair.owner_nonce is not null and not exists (select from burnt where nonce = pair.owner_nonce)
        returning c.id, c.mode, c.tainted, c.request_id
      ), told as (
        insert into instance_events (claim_id, type, reason, actor, request_id)
        select id, '${CLAIM_EVENTS.failed}', $4::jsonb ->> 'detail', 'pool', request_id from refused
      ), reserved as (
        update instances i set status = 'claiming', status_reason = null, status_since = clock_now(), claim_id = pair.id,
          principal = pair.principal, agent_name = pair.agent_name, owner_address = pair.owner_address,
          owner_id = pair.owner_inbox_id, expires_at = pair.expires_at
        from pair
        where i.id = pair.box_id
          and (pair.owner_nonce is null or exists (select from burnt where nonce = pair.owner_nonce))
        returning i.id, pair.id as claim_id, pair.deadline
      ), running as (
        update claims c set state = 'running', instance_id = reserved.id, reserved_at = clock_now(), tools_at = null,
          deadline = reserved.deadline, lease_until = reserved.deadline + $3::int * interval '1 ms'
        from reserved where c.id = reserved.claim_id
        returning c.id, c.seq, c.instance_id, c.mode, c.tainted, c.deadline, c.principal, c.request_id
      ), noted as (
        insert into instance_events (instance_id, claim_id, type, from_status, to_status, reason, actor, request_id)
        select instance_id, id, 'reserved', 'ready', 'claiming', 'its claim was first in the queue', principal, request_id from running
      )
      select id as "claimId", instance_id as "instanceId", mode, tainted,
        extract(epoch from deadline - clock_now())::float8 * 1000 as "leftMs"
      from running
      union all select id, null, mode, tainted, 0 from refused`,
  })
  const reserved = rows.filter((row): row is Reservation => row.instanceId !== null)
  // a claim that was refused leaves its instance to the next one
  return { reserved, more: rows.length === p.limit || reserved.length < rows.length }
}
