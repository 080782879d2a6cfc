import type { Queryable } from '@convos/kit'

export interface TickRow {
  holder: string | null
  until: Date | null
  ticked_at: Date | null
  age_ms: number | null
}

/** Who holds the lease of the tick, if it has not run out, and when a look at the whole fleet was last completed. */
export async function readTick(db: Queryable): Promise<TickRow> {
  const { rows } = await db.query<TickRow>({
    name: 'read_tick',
    text: `
      select l.holder, l.until, h.at as ticked_at, extract(epoch from clock_now() - h.at)::float8 * 1000 as age_ms
      from (select 1) one
      left join leases l on l.name = 'tick' and l.until > clock_now()
      left join heartbeats h on h.name = 'tick'`,
  })
  return rows[0] ?? { holder: null, until: null, ticked_at: null, age_ms: null }
}
