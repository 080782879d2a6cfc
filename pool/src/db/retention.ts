/**
 * History that is old enough to go: each statement deletes one batch and says how many rows that were. The time is read in a
 * subquery, once: compared with a volatile function no index is used.
 */
import type { Queryable } from '@convos/kit'

/**
 * Of the first `limit` events, which come in the order of their time, those older than so many days. Whoever follows the log
 * from before them is told that it has missed some.
 */
export async function pruneEvents(db: Queryable, p: { days: number; limit: number }): Promise<number> {
  const { rows } = await db.query<{ deleted: number }>({
    name: 'prune_events',
    values: [p.days, p.limit],
    text: `
      with gone as (
        delete from instance_events where ctid = any(array(
          select e.ctid from instance_events e
          where e.id = any(array(select id from instance_events order by id limit $2))
            and e.at < (select clock_now() - $1::int * interval '1 day')
          for update of e skip locked))
        returning xid
      ), noted as (
        update settings set feed_pruned_to = greatest(feed_pruned_to, pruned.next)
        from (select (xid::text::numeric + 1)::text::xid8 as next from gone order by xid desc limit 1) pruned
      )
      select count(*)::int as deleted from gone`,
  })
  return rows[0]?.deleted ?? 0
}

/** Nonces of signed messages that are refused by their age alone. */
export async function pruneNonces(db: Queryable, p: { limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_nonces',
    values: [p.limit],
    text: `
      delete from used_nonces where ctid = any(array(
        select ctid from used_nonces where expires_at <= (select clock_now()) limit $1 for update skip locked))`,
  })
  return rowCount ?? 0
}

/**
 * Claims that came to nothing, or whose agent has been gone, for so many days; never one that an instance still names. An
 * agent may have outlived its claim by far: the latest event of the instance tells when it went.
 */
export async function pruneClaims(db: Queryable, p: { days: number; limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_claims',
    values: [p.days, p.limit],
    text: `
      delete from claims where ctid = any(array(
        select c.ctid from claims c
        where c.finished_at < (select clock_now() - $1::int * interval '1 day') and c.state in ('done', 'failed', 'cancelled', 'ended')
          and not exists (select 1 from instances i where i.id = c.instance_id)
          and not exists (select 1 from instances i where i.claim_id = c.id)
          and not exists (
            select 1 from instance_events e where e.instance_id = c.instance_id and e.at >= (select clock_now() - $1::int * interval '1 day'))
        limit $2 for update of c skip locked))`,
  })
  return rowCount ?? 0
}

/** Sessions whose time is over. */
export async function pruneSessions(db: Queryable, p: { limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_sessions',
    values: [p.limit],
    text: `
      delete from sessions where ctid = any(array(
        select ctid from sessions where expires_at <= (select clock_now()) limit $1 for update skip locked))`,
  })
  return rowCount ?? 0
}

/** Login codes whose time is over. */
export async function pruneLoginCodes(db: Queryable, p: { limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_login_codes',
    values: [p.limit],
    text: `
      delete from login_codes where ctid = any(array(
        select ctid from login_codes where expires_at <= (select clock_now()) limit $1 for update skip locked))`,
  })
  return rowCount ?? 0
}

/** Operations begun so many days ago of which nothing is under way; their items go with them. */
export async function pruneOperations(db: Queryable, p: { days: number; limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_operations',
    values: [p.days, p.limit],
    text: `
      delete from operations where ctid = any(array(
        select o.ctid from operations o
        where o.started_at < (select clock_now() - $1::int * interval '1 day')
          and not exists (
            select 1 from operation_items t left join instances i on i.id = t.instance_id
            where t.operation_id = o.id and t.error is null
              and case
                when t.lease_until is not null then t.done_at is null
                when t.begun_at is null then true
                when o.kind = 'replenish' then i.status = 'starting'
                when o.kind = 'rollout' then i.status = 'deleting'
                else i.id is not null end)
        order by o.started_at limit $2 for update of o skip locked))`,
  })
  return rowCount ?? 0
}

export async function pruneStats(db: Queryable, p: { days: number; limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_stats',
    values: [p.days, p.limit],
    text: `
      delete from stats_minutes where ctid = any(array(
        select ctid from stats_minutes where minute < (select clock_now() - $1::int * interval '1 day') limit $2 for update skip locked))`,
  })
  return rowCount ?? 0
}

/** Alerts that have been over for so many days, whether anyone could be told or not. */
export async function pruneAlerts(db: Queryable, p: { days: number; limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_alerts',
    values: [p.days, p.limit],
    text: `
      delete from alerts where ctid = any(array(
        select ctid from alerts where state = 'resolved' and resolved_at < (select clock_now() - $1::int * interval '1 day')
        limit $2 for update skip locked))`,
  })
  return rowCount ?? 0
}

/** Counters whose window is over by so many ms: versions before this one wrote them by their own clocks, which may be off. */
export async function pruneRateLimits(db: Queryable, p: { afterMs: number; limit: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_rate_limits',
    values: [p.afterMs, p.limit],
    text: `
      delete from rate_limits where ctid = any(array(
        select ctid from rate_limits where expire < (select extract(epoch from clock_now()) * 1000 - $1::float8)
        limit $2 for update skip locked))`,
  })
  return rowCount ?? 0
}
