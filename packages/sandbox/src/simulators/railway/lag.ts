import type { Response } from 'express'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'

/** The rows that a list shows to this request. */
export type Listed = <T extends { createdAt: string }>(rows: T[]) => T[]

/** What every field is told of the request that it answers. */
export interface Reader {
  listed: Listed
}

/** Lists may lag behind: what was just created can be asked for by its id, but is not in them yet. */
export const readerOf = (res: Response, clock: SimClock): Reader => ({
  listed: (rows) => listed(res, clock, rows, (row) => row.createdAt),
})
