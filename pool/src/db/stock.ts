import type { Queryable } from '@convos/kit'
import { UNRESOLVED } from '../supply/images.ts'

export interface Stock {
  ready: number
  starting: number
  /** Of those starting, how many on each image. */
  startingOn: ReadonlyMap<string, number>
  /** Rows whose compute may exist. */
  total: number
}

/** What the refill counts; under the settings' lock nobody else can add to it meanwhile. */
export async function countStock(db: Queryable): Promise<Stock> {
  const { rows } = await db.query<{ ready: number; starting: number; total: number; image: string | null }>({
    name: 'count_stock',
    text: `
      select image, count(*) filter (where status = 'ready')::int as ready,
        count(*) filter (where status = 'starting')::int as starting, count(*)::int as total
      from instances group by image`,
  })
  const sum = (of: 'ready' | 'starting' | 'total') => rows.reduce((total, row) => total + row[of], 0)
  const startingOn = new Map(rows.map((row) => [row.image ?? UNRESOLVED, row.starting]))
  return { ready: sum('ready'), starting: sum('starting'), total: sum('total'), startingOn }
}
