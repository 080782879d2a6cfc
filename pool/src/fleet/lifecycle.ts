import type { Status } from '../contract/index.ts'

/** Where an instance may go from each status. Every status write is checked against this table before it reaches SQL. */
const MOVES: Readonly<Record<Status, readonly Status[]>> = {
  starting: ['ready', 'stuck', 'crashed', 'deleting'],
  // back to starting only after a restore of the database, when nothing that it says can be trusted
  ready: ['claiming', 'starting', 'stuck', 'crashed', 'deleting'],
  claiming: ['claimed', 'pending', 'ready', 'stuck', 'crashed', 'deleting'],
  pending: ['claimed', 'stuck', 'crashed', 'deleting'],
  claimed: ['crashed', 'recycling', 'deleting'],
  crashed: ['claimed', 'recycling', 'deleting'],
  recycling: ['starting', 'stuck', 'deleting'],
  stuck: ['ready', 'crashed', 'deleting'],
  deleting: [],
}

export const allowed = (from: Status, to: Status): boolean => MOVES[from].includes(to)

/**
 * Refuses a move that the table does not know: a programming error, so it is loud.
 * @throws Error
 */
export function assertAllowed(from: Status, to: Status): void {
  if (!allowed(from, to)) throw new Error(`an instance never goes from ${from} to ${to}`)
}
