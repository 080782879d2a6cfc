/** The log of events in the order in which it can be told, see feed/cursor.ts. */
import type { Queryable } from '@convos/kit'
import type { Extent, Position } from '../feed/cursor.ts'
import type { EventRow } from './events.ts'

/** An event and its place. */
export type LoggedRow = EventRow & { place: Position }

/** Null: any. */
export interface LogFilter {
  types: readonly string[] | null
  instanceId: string | null
  claimId: string | null
  actor: string | null
  requestId: string | null
  /** From then on. */
  since: string | null
  /** Before then. */
  until: string | null
}

export const EVERYTHING: LogFilter = {
  types: null,
  instanceId: null,
  claimId: null,
  actor: null,
  requestId: null,
  since: null,
  until: null,
}

const valuesOf = ({ types, instanceId, claimId, actor, requestId, since, until }: LogFilter) => [
  types,
  instanceId,
  claimId,
  actor,
  requestId,
  since,
  until,
]

/** What `valuesOf` gives, as $1 to $7. */
const PASSES = `
  ($1::text[] is null or e.type = any($1)) and ($2::text is null or e.instance_id = $2) and ($3::text is null or e.claim_id = $3)
  and ($4::text is null or e.actor = $4) and ($5::text is null or e.request_id = $5)
  and ($6::timestamptz is null or e.at >= $6) and ($7::timestamptz is null or e.at < $7)`

type Row = EventRow & { xid: string; horizon: string }

const COLUMNS = `
  e.xid::text as xid, e.id, e.at, e.instance_id, e.claim_id, e.type, e.from_status, e.to_status, e.reason, e.actor, e.request_id,
  e.detail`

/** Where the log ends for now, and where it begins. */
export async function readExtent(db: Queryable): Promise<Extent> {
  const { rows } = await db.query<{ horizon: string; pruned_to: string | null }>({
    name: 'read_extent',
    text: `select pg_snapshot_xmin(pg_current_snapshot())::text as horizon, feed_pruned_to::text as pruned_to from settings`,
  })
  if (!rows[0]) throw new Error('the settings row is missing')
  const { horizon, pruned_to } = rows[0]
  return { horizon: { xid: BigInt(horizon), id: 0n }, prunedTo: pruned_to === null ? null : BigInt(pruned_to) }
}

/**
 * The next events after a place, oldest first, at most `limit`, and how far that goes: to `upTo` or the horizon, where there are
 * not more. Not a named statement: which index is right depends on the filter.
 */
export async function readLog(
  db: Queryable,
  p: { after: Position; upTo?: Position; filter?: LogFilter; limit: number },
): Promise<{ rows: LoggedRow[]; at: Position }> {
  const { after, upTo, filter = EVERYTHING, limit } = p
  const bounds = [after.xid, after.id, upTo?.xid, upTo?.id].map((n) => n?.toString() ?? null)
  const { rows } = await db.query<Row>({
    values: [...valuesOf(filter), ...bounds, limit],
    text: `
      with head as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as horizon)
      select head.horizon::text as horizon, e.*
      from head left join lateral (
        select ${COLUMNS}
        from instance_events e
        where ${PASSES} and (e.xid, e.id) > ($8::xid8, $9::bigint) and e.xid < head.horizon
          and ($10::xid8 is null or (e.xid, e.id) <= ($10, $11::bigint))
        order by e.xid, e.id limit $12
      ) e on true`,
  })
  const { horizon, found } = placed(rows)
  const full = found.length < limit ? undefined : found.at(-1)
  return { rows: found, at: full?.place ?? upTo ?? horizon }
}

/** The latest events, before a place where one is given, oldest first, and where they end. */
export async function readLatest(
  db: Queryable,
  p: { before: Position | null; filter: LogFilter; limit: number },
): Promise<{ rows: LoggedRow[]; at: Position }> {
  const { before, filter, limit } = p
  const { rows } = await db.query<Row>({
    values: [...valuesOf(filter), before?.xid.toString() ?? null, before?.id.toString() ?? null, limit],
    text: `
      with head as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as horizon)
      select head.horizon::text as horizon, e.*
      from head left join lateral (
        select ${COLUMNS}
        from instance_events e
        where ${PASSES} and e.xid < head.horizon and ($8::xid8 is null or (e.xid, e.id) < ($8, $9::bigint))
        order by e.xid desc, e.id desc limit $10
      ) e on true`,
  })
  const { horizon, found } = placed(rows)
  return { rows: found, at: before ? justBefore(before) : horizon }
}

/** Ids begin at 1: nothing stands at 0. */
const justBefore = ({ xid, id }: Position): Position => ({ xid, id: id > 0n ? id - 1n : 0n })

/** In order, whatever the join made of it; without the row that only says how far the log goes. */
function placed(rows: readonly Row[]): { horizon: Position; found: LoggedRow[] } {
  const found = rows
    .filter((row) => row.id !== null)
    .map((row) => ({ ...row, place: { xid: BigInt(row.xid), id: BigInt(row.id) } }))
    .toSorted((a, b) => Number(a.place.xid - b.place.xid) || Number(a.place.id - b.place.id))
  return { horizon: { xid: BigInt(rows[0]?.horizon ?? 0), id: 0n }, found }
}
