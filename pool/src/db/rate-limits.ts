import type { Queryable } from '@convos/kit'

/** So many in a window of so many ms, which begins with the first. */
export interface Counter {
  key: string
  points: number
  ms: number
}

/** Takes one, where there is one left. Windows are by the database's clock: replicas whose own clocks differ count together. */
export async function takePoint(db: Queryable, p: Counter): Promise<{ taken: boolean; forMs: number }> {
  const { rows } = await db.query<{ taken: boolean; forMs: number }>({
    name: 'take_point',
    values: [p.key, p.points, p.ms],
    text: `
      with taken as (
        insert into rate_limits as r (key, points, expire)
        values ($1, 1, (extract(epoch from clock_now()) * 1000)::bigint + $3::bigint)
        on conflict (key) do update set
          points = case when r.expire <= excluded.expire - $3::bigint then 1 else r.points + 1 end,
          expire = case when r.expire <= excluded.expire - $3::bigint then excluded.expire else r.expire end
        where r.points < $2 or r.expire <= excluded.expire - $3::bigint
        returning key
      )
      select exists (select 1 from taken) as taken,
        coalesce((select expire from rate_limits where key = $1) - extract(epoch from clock_now()) * 1000, $3)::float8 as "forMs"`,
  })
  return rows[0] ?? { taken: false, forMs: p.ms }
}

/** Gives back one that was taken, where its window still lasts. */
export async function giveBackPoint(db: Queryable, key: string): Promise<void> {
  await db.query({
    name: 'give_back_point',
    values: [key],
    text: `
      update rate_limits set points = points - 1
      where key = $1 and points > 0 and expire > extract(epoch from clock_now()) * 1000`,
  })
}
