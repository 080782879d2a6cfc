/** What each minute was like: gauges taken once, counts made anew from claims and events while the minute is young. */
import type { Queryable } from '@convos/kit'
import type { StatsPoint } from '../contract/index.ts'

/** Keeps how it looks now as what this minute was like, unless that is known already. */
export async function recordGauges(db: Queryable): Promise<void> {
  await db.query({
    name: 'record_gauges',
    text: `
      insert into stats_minutes (minute, target, ready, starting, claimed, crashed, stuck, deleting, queue_depth, queue_oldest_ms)
      select date_trunc('minute', clock_now()), settings.min_idle, i.ready, i.starting, i.claimed, i.crashed, i.stuck, i.deleting, q.depth,
        q.oldest_ms
      from (
        select count(*) filter (where status = 'ready') as ready, count(*) filter (where status = 'starting') as starting,
          count(*) filter (where status in ('claiming', 'pending', 'claimed')) as claimed,
          count(*) filter (where status = 'crashed') as crashed, count(*) filter (where status = 'stuck') as stuck,
          count(*) filter (where status = 'deleting') as deleting
        from instances
      ) i cross join (
        select count(*) as depth, extract(epoch from clock_now() - min(created_at)) * 1000 as oldest_ms
        from claims where state = 'queued'
      ) q cross join settings
      on conflict (minute) do nothing`,
  })
}

/**
 * Counts the latest finished minutes, and every one since minutes were last counted, at most `fillMs` back. To do so again, or
 * from two replicas at once, changes nothing: all of it is there in claims and events.
 */
export async function recordCounts(db: Queryable, p: { recountMs: number; fillMs: number; hitMs: number }): Promise<void> {
  await db.query({
    name: 'record_counts',
    values: [p.recountMs, p.fillMs, p.hitMs],
    text: `
      with now as materialized (
        select date_trunc('minute', clock_now()) as minute
      ), span as materialized (
        select now.minute as ends, date_trunc('minute', greatest(
          now.minute - $2::float8 * interval '1 ms',
          least(counted.latest, now.minute) - $1::float8 * interval '1 ms')) as begins
        from now cross join (select max(minute) as latest from stats_minutes where claims_done is not null) counted
      ), ended as (
        select date_trunc('minute', finished_at) as minute,
          count(*) filter (where state in ('done', 'ended')) as done,
          count(*) filter (where state = 'failed' and error ->> 'code' is distinct from 'POOL_EMPTY') as failed,
          count(*) filter (where state = 'cancelled') as cancelled,
          count(*) filter (where state = 'failed' and error ->> 'code' = 'POOL_EMPTY') as empty,
          count(*) filter (where state in ('done', 'ended') and reserved_at - created_at <= $3::float8 * interval '1 ms') as hit,
          percentile_cont(array[0.5, 0.95, 0.99]) within group (order by extract(epoch from configured_at - created_at)::float8 * 1000)
            filter (where state in ('done', 'ended')) as took
        from claims where finished_at >= (select begins from span) and finished_at < (select ends from span)
        group by 1
      ), happened as (
        select date_trunc('minute', e.at) as minute,
          count(*) filter (where e.type = 'created') as created,
          count(*) filter (where e.type = 'ready') as ready,
          count(*) filter (where e.type = 'creation_failed') as failed,
          percentile_cont(0.5) within group (order by extract(epoch from e.at - began.at)::float8 * 1000) as warm_up_ms
        from instance_events e left join lateral (
          select max(b.at) as at from instance_events b
          where e.type = 'ready' and b.instance_id = e.instance_id and b.to_status = 'starting' and b.at <= e.at
        ) began on true
        where e.at >= (select begins from span) and e.at < (select ends from span)
          and e.type in ('created', 'ready', 'creation_failed') and (e.type <> 'ready' or e.from_status = 'starting')
        group by 1
      ), counted as (
        select m.minute, coalesce(c.done, 0) as done, coalesce(c.failed, 0) as failed, coalesce(c.cancelled, 0) as cancelled,
          coalesce(c.empty, 0) as empty, coalesce(c.hit, 0) as hit, c.took[1] as p50, c.took[2] as p95, c.took[3] as p99,
          coalesce(h.created, 0) as created, coalesce(h.ready, 0) as ready, coalesce(h.failed, 0) as creation_failed, h.warm_up_ms
        from span cross join generate_series(span.begins, span.ends - interval '1 minute', interval '1 minute') as m(minute)
        left join ended c on c.minute = m.minute left join happened h on h.minute = m.minute
      )
      insert into stats_minutes as s (minute, claims_done, claims_failed, claims_cancelled, claims_empty, claims_hit,
        claim_p50_ms, claim_p95_ms, claim_p99_ms, created, became_ready, creation_failed, warm_up_ms)
      select minute, done, failed, cancelled, empty, hit, p50, p95, p99, created, ready, creation_failed, warm_up_ms from counted
      on conflict (minute) do update set claims_done = excluded.claims_done, claims_failed = excluded.claims_failed,
        claims_cancelled = excluded.claims_cancelled, claims_empty = excluded.claims_empty, claims_hit = excluded.claims_hit,
        claim_p50_ms = excluded.claim_p50_ms, claim_p95_ms = excluded.claim_p95_ms, claim_p99_ms = excluded.claim_p99_ms, created = excluded.created,
        became_ready = excluded.became_ready, creation_failed = excluded.creation_failed, warm_up_ms = excluded.warm_up_ms
      where (s.claims_done, s.claims_failed, s.claims_cancelled, s.claims_empty, s.claims_hit, s.claim_p50_ms, s.claim_p95_ms,
          s.claim_p99_ms, s.created, s.became_ready, s.creation_failed, s.warm_up_ms)
        is distinct from (excluded.claims_done, excluded.claims_failed, excluded.claims_cancelled, excluded.claims_empty,
          excluded.claims_hit, excluded.claim_p50_ms, excluded.claim_p95_ms, excluded.claim_p99_ms, excluded.created, excluded.became_ready,
          excluded.creation_failed, excluded.warm_up_ms)`,
  })
}

/** The last `points` steps, the present one included, oldest first; every step is there, known or not. */
export async function readStats(db: Queryable, p: { stepMs: number; points: number }): Promise<StatsPoint[]> {
  const { rows } = await db.query<{ point: StatsPoint }>({
    name: 'read_stats',
    values: [p.stepMs, p.points],
    text: `
      with step as materialized (
        select width, date_bin(width, clock_now(), timestamptz '2000-01-01 00:00Z') as latest
        from (select $1::float8 * interval '1 ms' as width) w
      ), known as (
        select date_bin(step.width, m.minute, timestamptz '2000-01-01 00:00Z') as at,
          max(target) as target, min(ready) as ready_min,
          round(avg(ready), 1) as ready, round(avg(starting), 1) as starting, round(avg(claimed), 1) as claimed,
          round(avg(crashed), 1) as crashed, round(avg(stuck), 1) as stuck, round(avg(deleting), 1) as deleting,
          max(queue_depth) as queue_depth, round(max(queue_oldest_ms)) as queue_oldest_ms,
          sum(claims_done) as done, sum(claims_failed) as failed, sum(claims_cancelled) as cancelled,
          sum(claims_empty) as empty, sum(claims_hit) as hit,
          round(sum(claim_p50_ms * claims_done) / nullif(sum(claims_done) filter (where claim_p50_ms is not null), 0)) as p50,
          round(max(claim_p95_ms)) as p95, round(max(claim_p99_ms)) as p99,
          sum(created) as created, sum(became_ready) as became_ready, sum(creation_failed) as creation_failed,
          round(sum(warm_up_ms * became_ready) / nullif(sum(became_ready) filter (where warm_up_ms is not null), 0)) as warm_up_ms
        from step join stats_minutes m on m.minute >= step.latest - ($2::int - 1) * step.width
        group by 1
      )
      select jsonb_build_object(
        'at', to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'target', k.target,
        'instances', case when k.ready is not null then jsonb_build_object('ready', k.ready, 'readyMin', k.ready_min,
          'starting', k.starting, 'claimed', k.claimed, 'crashed', k.crashed, 'stuck', k.stuck, 'deleting', k.deleting) end,
        'queue', case when k.queue_depth is not null
          then jsonb_build_object('depth', k.queue_depth, 'oldestMs', k.queue_oldest_ms) end,
        'claims', case when k.done is not null then jsonb_build_object('done', k.done, 'failed', k.failed,
          'cancelled', k.cancelled, 'empty', k.empty, 'hit', k.hit, 'p50Ms', k.p50, 'p95Ms', k.p95, 'p99Ms', k.p99) end,
        'creations', case when k.created is not null then jsonb_build_object('created', k.created, 'ready', k.became_ready,
          'failed', k.creation_failed, 'warmUpMs', k.warm_up_ms) end
      ) as point
      from step cross join generate_series(step.latest - ($2::int - 1) * step.width, step.latest, step.width) as s(at)
      left join known k on k.at = s.at
      order by s.at`,
  })
  return rows.map((row) => row.point)
}
