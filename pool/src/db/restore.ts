/** What makes an older copy of this database safe to run on a world that has gone on. */
import type { Queryable } from '@convos/kit'
import { assertAllowed } from '../fleet/lifecycle.ts'

/** Other connections of pools to this database. */
export async function countOthers(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'count_others',
    text: `
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and application_name = 'convos' and pid <> pg_backend_pid()`,
  })
  return rows[0]?.n ?? 0
}

/** Ready instances must prove themselves again before anyone gets them: they may have been claimed since the copy was made. */
export async function distrustReady(tx: Queryable): Promise<number> {
  assertAllowed('ready', 'starting')
  const { rowCount } = await tx.query({
    name: 'distrust_ready',
    text: `
      with moved as (
        update instances set status = 'starting', status_reason = 'the database was restored', status_since = clock_now()
        where status = 'ready' returning id
      )
      insert into instance_events (instance_id, type, from_status, to_status, reason, actor)
      select id, 'restored', 'ready', 'starting', 'the database was restored', 'restore' from moved`,
  })
  return rowCount ?? 0
}

/** Claims under way when the copy was made may have been finished since: their boxes are asked, as if they had been touched. */
export async function distrustClaims(tx: Queryable): Promise<number> {
  const { rowCount } = await tx.query({
    name: 'distrust_claims',
    text: `
      with boxes as (
        update instances set touched_at = coalesce(touched_at, clock_now()) where status = 'claiming'
      )
      update claims set lease_until = clock_now() where state in ('queued', 'running')`,
  })
  return rowCount ?? 0
}

/** An end that has passed meanwhile may have been put off since: nobody is ended by a date of before. */
export async function dropPassedEnds(tx: Queryable): Promise<number> {
  const { rowCount } = await tx.query({
    name: 'drop_passed_ends',
    text: `
      with kept as (
        select id, claim_id, status, expires_at from instances
        where expires_at <= clock_now() and status in ('pending', 'claimed', 'crashed') for update
      ), dropped as (
        update instances i set expires_at = null from kept where i.id = kept.id
      )
      insert into instance_events (instance_id, claim_id, type, reason, actor, detail)
      select id, claim_id, 'expiry_dropped', 'the database was restored', 'restore', jsonb_build_object('expiresAt', expires_at)
      from kept`,
  })
  return rowCount ?? 0
}

/**
 * What was still to be begun was decided on a stock that is not this one any more. Work on agents that was under way may have been
 * done since, and more after it: done again, it would take them back.
 */
export async function dropUnbegun(tx: Queryable): Promise<number> {
  const { rowCount } = await tx.query({
    name: 'drop_unbegun',
    text: `
      update operation_items set error = 'the database was restored before it was done: ask again'
      where error is null and (begun_at is null or (lease_until is not null and done_at is null))`,
  })
  return rowCount ?? 0
}

/** Sessions that ended since would live again, and no lease of before is held by anyone. */
export async function dropSessionsAndLeases(tx: Queryable): Promise<void> {
  for (const table of ['sessions', 'login_codes', 'leases'] as const)
    await tx.query({ name: `drop_${table}`, text: `delete from ${table}` })
}

/**
 * Transactions of the server that the copy was made on may lie ahead of this one's: their events would stay unseen for a long
 * time. And whoever followed the log there is told to start anew.
 */
export async function placeEvents(tx: Queryable): Promise<void> {
  await tx.query({
    name: 'place_events',
    text: `
      with moved as (
        update instance_events set xid = pg_current_xact_id() where xid >= pg_snapshot_xmax(pg_current_snapshot())
          and xid <> pg_current_xact_id()
      )
      update settings set feed_pruned_to = pg_current_xact_id()`,
  })
}
