import type { Queryable } from '@convos/kit'

export interface Gauges {
  queueDepth: number
  /** Of the claim that has waited longest; 0 when nobody waits. */
  queueOldestMs: number
  tickAgeMs: number
  /** How many ready instances are to be kept. */
  target: number
  /** Codes of the alerts that fire. */
  firing: string[]
}

/** What a scraper is told of the pool as a whole, in one statement. */
export async function readGauges(db: Queryable): Promise<Gauges> {
  const { rows } = await db.query<Gauges>({
    name: 'read_gauges',
    text: `
      select q.depth as "queueDepth", coalesce(q.oldest_ms, 0) as "queueOldestMs", t.age_ms as "tickAgeMs",
        s.min_idle as target,
        array(select code from alerts where state = 'firing') as firing
      from (
        select count(*)::int as depth, extract(epoch from clock_now() - min(created_at))::float8 * 1000 as oldest_ms
        from claims where state = 'queued'
      ) q cross join (
        select extract(epoch from clock_now() - max(at))::float8 * 1000 as age_ms from heartbeats where name = 'tick'
      ) t cross join settings s`,
  })
  return rows[0] ?? { queueDepth: 0, queueOldestMs: 0, tickAgeMs: 0, target: 0, firing: [] }
}

/** For how long the oldest of each status has had it, ms; a status that no instance has is missing. */
export async function readOldestMs(db: Queryable): Promise<Map<string, number>> {
  const { rows } = await db.query<{ status: string; ageMs: number }>({
    name: 'read_oldest_ms',
    text: `
      select status, extract(epoch from clock_now() - min(status_since))::float8 * 1000 as "ageMs" from instances group by status`,
  })
  return new Map(rows.map(({ status, ageMs }) => [status, ageMs]))
}
