/** Claims whose worker is gone: their lease has run out, and any replica may end them. */
import type { Queryable } from '@convos/kit'
import type { ClaimMode } from './claims.ts'
import { CLAIM_EVENTS } from './events.ts'

/** Waiting claims that nobody waits for; those that another statement holds are the next look's, see `reserve`. */
export async function cancelLostQueued(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    name: 'cancel_lost_queued',
    text: `
      with held as (
        select id from claims where state = 'queued' and lease_until <= clock_now() for update skip locked
      ), lost as (
        update claims c set state = 'cancelled', idem_key = null, join_hash = null, finished_at = clock_now(),
          error = '{"status": 503, "code": "INTERRUPTED", "detail": "the claim was interrupted while it waited"}'::jsonb
        from held where c.id = held.id
        returning c.id, c.error, c.request_id
      )
      insert into instance_events (claim_id, type, reason, actor, request_id)
      select id, '${CLAIM_EVENTS.cancelled}', error ->> 'detail', 'pool', request_id from lost`,
  })
  return rowCount ?? 0
}

export interface LostClaim {
  id: string
  instance_id: string
  mode: ClaimMode
  /** Null: nothing had reached the box, or it is not this claim's any more. */
  touched_at: Date | null
  owns: boolean
}

/** Takes over running claims whose lease ran out, for `leaseMs`; each goes to exactly one replica. */
export async function takeLostRunning(db: Queryable, leaseMs: number): Promise<LostClaim[]> {
  const { rows } = await db.query<LostClaim>({
    name: 'take_lost_running',
    values: [leaseMs],
    text: `
      with lost as (
        select id from claims where state = 'running' and lease_until <= clock_now() order by seq limit 50 for update skip locked
      ), taken as (
        update claims c set lease_until = clock_now() + $1 * interval '1 ms' from lost where c.id = lost.id
        returning c.id, c.instance_id, c.mode
      )
      select t.id, t.instance_id, t.mode, i.touched_at, i.id is not null as owns
      from taken t left join instances i on i.id = t.instance_id and i.claim_id = t.id and i.status = 'claiming'`,
  })
  return rows
}
