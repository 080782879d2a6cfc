/**
 * A place in the log of events: everything up to it has been told, everything after it has not. Ids are drawn when a row is
 * written and seen when its transaction commits, so their order is not the order in which rows appear. That of transactions is,
 * below the oldest one still running (the horizon): nothing can appear there any more.
 */
export interface Position {
  xid: bigint
  id: bigint
}

const CURSOR = /^(\d{1,20})-(\d{1,19})$/
const LARGEST = { xid: 2n ** 64n - 1n, id: 2n ** 63n - 1n }

/** `<transaction>-<event>`; null for what no cursor of ours looks like. */
export function parseCursor(text: string): Position | null {
  const [, xid, id] = CURSOR.exec(text) ?? []
  if (xid === undefined || id === undefined) return null
  const position = { xid: BigInt(xid), id: BigInt(id) }
  return position.xid <= LARGEST.xid && position.id <= LARGEST.id ? position : null
}

export const toCursor = ({ xid, id }: Position): string => `${xid}-${id}`

export const isAfter = (a: Position, b: Position): boolean => (a.xid === b.xid ? a.id > b.id : a.xid > b.xid)

export const later = (a: Position, b: Position): Position => (isAfter(a, b) ? a : b)

/** How much of the log there is. */
export interface Extent {
  /** Everything that is there for good lies before it. */
  horizon: Position
  /** Something before it may be gone; null: nothing is. */
  prunedTo: bigint | null
}

/** Nobody was ever given a cursor beyond the horizon, unless by another database, or by this one before it was restored. */
export const isKnown = (at: Position, { horizon }: Extent): boolean => !isAfter(at, horizon)

/** Whether everything after it is still there. */
export const canResume = (at: Position, extent: Extent): boolean =>
  isKnown(at, extent) && (extent.prunedTo === null || at.xid >= extent.prunedTo)
