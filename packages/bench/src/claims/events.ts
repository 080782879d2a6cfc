/** What pool's own history says about how quickly one thing followed another: all by one clock, the database's. */
import type { Database } from '@convos/kit'

/** The database's time, as a point in history. */
export async function historyNow(db: Database): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>({ text: 'select clock_now() as now' })
  if (!rows[0]) throw new Error('the database does not know the time')
  return rows[0].now
}

/** From each reservation since then to the first instance that is created after it, ms. */
export async function refillDelays(db: Database, since: Date): Promise<number[]> {
  const { rows } = await db.query<{ ms: number }>({
    values: [since],
    text: `
      select extract(epoch from min(created.at) - reserved.at)::float8 * 1000 as ms
      from instance_events reserved left join instance_events created on created.type = 'created' and created.at >= reserved.at
      where reserved.type = 'reserved' and reserved.at >= $1
      group by reserved.id, reserved.at`,
  })
  return rows.map(({ ms }) => ms ?? Infinity)
}

/** From each instance that turned ready since then to its reservation, ms. */
export async function servingDelays(db: Database, since: Date): Promise<number[]> {
  const { rows } = await db.query<{ ms: number }>({
    values: [since],
    text: `
      select extract(epoch from reserved.at - ready.at)::float8 * 1000 as ms
      from instance_events ready join instance_events reserved
        on reserved.instance_id = ready.instance_id and reserved.type = 'reserved' and reserved.at >= ready.at
      where ready.type = 'ready' and ready.at >= $1`,
  })
  return rows.map(({ ms }) => ms)
}

/** So many that are ready, the youngest first: those that claims take last. */
export async function readyInstances(db: Database, count: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    values: [count],
    text: `select id from instances where status = 'ready' order by created_at desc, id limit $1`,
  })
  return rows.map(({ id }) => id)
}

export async function countReady(db: Database): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    text: `select count(*)::int as n from instances where status = 'ready'`,
  })
  return rows[0]?.n ?? 0
}

/** Of those whose health is known to be `ready` or not: how long ago the probe that saw it was answered, ms. */
export async function knownHealth(db: Database, p: { ids: readonly string[]; ready: boolean }) {
  const { rows } = await db.query<{ id: string; ms: number }>({
    values: [p.ids, p.ready],
    text: `
      select id, extract(epoch from clock_now() - (health->>'at')::timestamptz)::float8 * 1000 as ms
      from instances where id = any($1) and (health->>'ready')::boolean = $2`,
  })
  return rows
}
