import type { Principal } from '../auth.ts'
import { presentClaim } from '../claim/present.ts'
import type { Context } from '../context.ts'
import type { FeedMessage } from '../contract/index.ts'
import { readClaims } from '../db/claims.ts'
import type { LoggedRow } from '../db/feed.ts'
import { countByStatus, readInstances, toCounts } from '../db/instances.ts'
import { findOperationsOn, listOperations } from '../db/operations.ts'
import { presentOperations } from '../operations/present.ts'
import { presentEvent, presentInstance } from '../present.ts'
import { isAfter, type Position, toCursor } from './cursor.ts'

/** Who listens: operators to everything, claimers to their own claims. */
export type Viewer = Pick<Principal, 'id' | 'role'>

/** A message as it is written, without the blank line that ends it; `principal` is whose claim it shows. */
interface Frame {
  text: string
  principal: string | null
}

/** Events of the log as they are told, once for everyone who listens. `at`: how far it goes. */
export interface Batch {
  entries: readonly { place: Position; frames: readonly Frame[] }[]
  counts: string | null
  at: Position
}

const frame = (message: FeedMessage, principal: string | null = null): Frame => ({ text: frameOf(message), principal })

/** JSON has no line breaks of its own, so that a message is one line of data. */
export const frameOf = ({ event, data }: FeedMessage): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n`

/** Reads what these events are about, as it stands now: each instance, claim and operation is shown once, beside its latest event. */
export async function presentBatch(ctx: Context, rows: readonly LoggedRow[], at: Position): Promise<Batch> {
  if (rows.length === 0) return { entries: [], counts: null, at }
  const { db } = ctx
  const latest = latestOf(rows)
  const moves = rows.filter((row) => row.from_status !== row.to_status)
  const instanceIds = [...latest.instances.keys()]
  const [instances, claims, items, counted] = await Promise.all([
    readInstances(db, instanceIds),
    readClaims(db, [...latest.claims.keys()]),
    findOperationsOn(db, { instanceIds, movedIds: moves.flatMap((row) => row.instance_id ?? []) }),
    moves.length > 0 ? countByStatus(db) : null,
  ])
  for (const item of items) {
    const row = latest.instances.get(item.instance_id)
    const known = latest.operations.get(item.operation_id)
    if (row && (!known || isAfter(row.place, known.place))) latest.operations.set(item.operation_id, row)
  }
  const ids = [...latest.operations.keys()]
  const operations = ids.length === 0 ? [] : await presentOperations(ctx, await listOperations(db, { ids, limit: ids.length }))

  const beside = new Map<LoggedRow, Frame[]>(rows.map((row) => [row, []]))
  const show = (row: LoggedRow | undefined, shown: Frame) => row && beside.get(row)?.push(shown)
  const present = new Map(instances.map((row) => [row.id, row]))
  for (const [id, row] of latest.instances) {
    const instance = present.get(id)
    show(row, frame({ event: 'instance', data: instance ? presentInstance(instance) : { id, deleted: true } }))
  }
  for (const claim of claims)
    show(
      latest.claims.get(claim.id),
      frame({ event: 'claim', data: presentClaim(claim, { gateway: null, queue: null }) }, claim.principal),
    )
  for (const operation of operations) show(latest.operations.get(operation.id), frame({ event: 'operation', data: operation }))
  for (const row of rows) show(row, frame({ event: 'activity', data: presentEvent(row) }))
  return {
    entries: rows.map((row) => ({ place: row.place, frames: beside.get(row) ?? [] })),
    counts: counted && frameOf({ event: 'counts', data: toCounts(counted) }),
    at,
  }
}

/** The last of the given events about each instance, claim and operation. */
function latestOf(rows: readonly LoggedRow[]) {
  const instances = new Map<string, LoggedRow>()
  const claims = new Map<string, LoggedRow>()
  const operations = new Map<string, LoggedRow>()
  for (const row of rows) {
    if (row.instance_id !== null) instances.set(row.instance_id, row)
    if (row.claim_id !== null) claims.set(row.claim_id, row)
    const operationId = row.detail?.['operationId']
    if (typeof operationId === 'string') operations.set(operationId, row)
  }
  return { instances, claims, operations }
}

/**
 * What of a batch someone is told who has been told everything up to `after`. Only the last message of an event carries its
 * cursor: whoever has seen that has seen the others.
 */
export function render({ entries, counts }: Batch, viewer: Viewer, after: Position): string {
  const sees = ({ principal }: Frame) => viewer.role === 'operator' || principal === viewer.id
  const news = entries.filter(({ place }) => isAfter(place, after))
  const told = news.flatMap(({ place, frames }) =>
    frames.filter(sees).map(({ text }, n, { length }) => `${text}${n === length - 1 ? `id: ${toCursor(place)}\n` : ''}\n`),
  )
  return told.join('') + (news.length > 0 && counts !== null && viewer.role === 'operator' ? `${counts}\n` : '')
}
