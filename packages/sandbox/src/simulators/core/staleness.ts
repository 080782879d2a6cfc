import type { Response } from 'express'
import type { SimClock } from './clock.ts'

const LAG = 'staleMs'

/** From here on this answer knows nothing of the last `ms`; two such rules add up to the longer one. */
export function makeStale(res: Response, ms: number): void {
  res.locals[LAG] = Math.max(lagOf(res), ms)
}

/** The rows that a list shows: all of them, or under a `stale-list` fault those that existed a while ago. */
export function listed<T>(res: Response, clock: Pick<SimClock, 'now'>, rows: T[], createdAt: (row: T) => string): T[] {
  const lag = lagOf(res)
  if (lag === 0) return rows
  const asOf = clock.now().getTime() - lag
  return rows.filter((row) => new Date(createdAt(row)).getTime() <= asOf)
}

const lagOf = (res: Response): number => (typeof res.locals[LAG] === 'number' ? res.locals[LAG] : 0)
