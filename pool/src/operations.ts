import { type Loop, Problem, type Queryable, startLoop, withTransaction } from '@convos/kit'
import type { Principal } from './auth.ts'
import type { Context } from './context.ts'
import { can, type Operation, type Status, STATUSES } from './contract/index.ts'
import { type InstanceRow, listFleet, readInstance } from './db/instances.ts'
import { beginDeleting, endClaimsOn } from './db/moves.ts'
import {
  holdNextItems,
  insertOperation,
  listOperations,
  type NextItem,
  type OperationKind,
  settleItems,
  stopOperation,
} from './db/operations.ts'
import { changeSettings } from './db/settings.ts'
import type { Fleet } from './fleet.ts'
import { newOperationId } from './naming.ts'
import { presentOperation } from './present.ts'
import type { Refill } from './refill.ts'

export interface Who {
  actor: string
  requestId: string
}

export const whoIs = (principal: Principal, requestId: string): Who => ({ actor: principal.id, requestId })

/** From which statuses each kind takes an instance to its end. */
const ENDS: Record<Exclude<OperationKind, 'replenish'>, readonly Status[]> = {
  kill: STATUSES.filter((status) => can('kill', { status }) === true),
  drain: STATUSES.filter((status) => can('drain', { status }) === true),
  dismiss: STATUSES.filter((status) => can('dismiss', { status }) === true),
}
const REASON: Record<OperationKind, string> = {
  kill: 'killed',
  drain: 'drained',
  dismiss: 'dismissed',
  replenish: 'asked for by an operator',
}

export type Operations = ReturnType<typeof startOperations>

/** Long work that an operator asked for. What is to be done stands in the database; any replica goes on with it. */
export function startOperations(ctx: Context, fleet: Fleet, refill: Refill) {
  const { db, limits, log, signals } = ctx

  async function read(id: string): Promise<Operation> {
    const [row] = await listOperations(db, { ids: [id], limit: 1 })
    if (!row) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such operation' })
    return presentOperation(row)
  }

  /** Begins the next few items: their rows leave first, by compare-and-set, and only then services is told. */
  async function beginSome(): Promise<number> {
    const begun = await withTransaction(db, async (tx) => {
      const items = await holdNextItems(tx, limits.operationBatch)
      const moved = new Map<NextItem, boolean>()
      // rows are locked in one order by everyone, so that two operations cannot wait for each other
      for (const item of items.toSorted((a, b) => (a.instance_id < b.instance_id ? -1 : 1))) {
        if (item.kind === 'replenish') continue
        const how = { type: item.kind, reason: REASON[item.kind], actor: item.actor, requestId: item.request_id }
        // only drains wait here, and what they end belongs to no claim
        const ids = await beginDeleting(tx, { ids: [item.instance_id], from: ENDS[item.kind], claimId: null, ...how })
        moved.set(item, ids.length > 0)
      }
      await settleItems(
        tx,
        items.map((item) => ({
          operation_id: item.operation_id,
          seq: item.seq,
          error: moved.get(item) ? null : 'its status has changed meanwhile, so it was left alone',
        })),
      )
      return items.map((item) => ({ item, moved: moved.get(item) ?? false }))
    })
    if (begun.length > 0) signals.emit('changed', 'shrunk')
    await Promise.all(
      begun.filter((b) => b.moved).map(({ item }) => fleet.destroy(item.instance_id, item.request_id ?? undefined)),
    )
    return begun.length
  }

  const loop: Loop = startLoop({
    name: 'operations',
    everyMs: ctx.config.tickIntervalMs,
    clock: ctx.clock,
    log,
    async pass(signal) {
      while (!signal.aborted && (await beginSome()) > 0);
    },
  })
  signals.on('operation', () => loop.wake())

  return {
    stop: () => loop.stop(),
    read,

    async list(): Promise<Operation[]> {
      return (await listOperations(db, { limit: 50 })).map(presentOperation)
    },

    /** No further items are begun; what is under way goes on. */
    async halt(id: string, who: Who): Promise<Operation> {
      await stopOperation(db, { id, ...who })
      return read(id)
    },

    /**
     * Ends one instance as the caller saw it, and with it its claim; one that is on its way out already has the same end.
     * @throws Problem when it is protected, or has changed hands since
     */
    async end(
      kind: 'kill' | 'dismiss',
      row: InstanceRow,
      who: Who,
      unfinished: 'failed' | 'cancelled' = 'failed',
    ): Promise<Operation> {
      const id = newOperationId()
      const how = { type: kind, reason: REASON[kind], ...who }
      const mine = await withTransaction(db, async (tx) => {
        const ids = await beginDeleting(tx, { ids: [row.id], from: ENDS[kind], claimId: row.claim_id, ...how })
        if (ids.length === 0) await assertLeaving(tx, row.id)
        await endClaimsOn(tx, { instanceIds: ids, unfinished, reason: REASON[kind], ...who })
        await insertOperation(tx, { id, kind, ...who, items: [{ instanceId: row.id, begun: true }] })
        return ids.length > 0
      })
      if (mine) {
        signals.emit('changed', 'shrunk')
        void fleet.destroy(row.id, who.requestId)
      }
      return read(id)
    },

    /** An operation on an instance that is gone already: done, with nothing to do. */
    async ended(instanceId: string, who: Who): Promise<Operation> {
      const id = newOperationId()
      await insertOperation(db, { id, kind: 'kill', ...who, items: [{ instanceId, begun: true }] })
      return read(id)
    },

    /** Ends instances nobody has claimed: the given ones, the oldest few, or all. */
    async drain(p: { count?: number; ids?: string[]; all?: true; refill: boolean }, who: Who): Promise<Operation> {
      const id = newOperationId()
      const items = await chooseToDrain(p)
      await withTransaction(db, async (tx) => {
        if (!p.refill) await changeSettings(tx, { change: { paused: true }, ...who })
        await insertOperation(tx, { id, kind: 'drain', ...who, items })
      })
      signals.emit('operation')
      return read(id)
    },

    /** Adds so many instances, or fills up to the target. */
    async replenish(count: number | null, who: Who): Promise<Operation> {
      const id = newOperationId()
      const { ids, held } = count === null ? { ids: await refill.topUp(who), held: null } : await refill.add({ ...who, count })
      if (held && ids.length === 0) throw new Problem({ status: 409, code: held.code, detail: held.reason })
      const items = ids.map((instanceId) => ({ instanceId, begun: true }))
      await insertOperation(db, { id, kind: 'replenish', ...who, items })
      return read(id)
    },
  }

  async function assertLeaving(tx: Queryable, id: string): Promise<void> {
    const now = await readInstance(tx, id)
    if (now === null || now.status === 'deleting') return
    if (now.protected) throw new Problem({ status: 409, code: 'PROTECTED', detail: 'the instance is protected' })
    throw new Problem({ status: 409, code: 'CHANGED', detail: 'the instance has changed meanwhile; look at it again' })
  }

  async function chooseToDrain(p: { count?: number; ids?: string[]; all?: true }) {
    if (p.ids) {
      const ids = [...new Set(p.ids)]
      const known = new Map((await listFleet(db, { ids })).map((row) => [row.id, row]))
      return ids.map((instanceId) => {
        const row = known.get(instanceId)
        const may = row ? can('drain', row) : 'there is no such instance'
        return may === true ? { instanceId } : { instanceId, error: may }
      })
    }
    const ready = await listFleet(db, { status: 'ready' })
    const rows = p.all ? [...ready, ...(await listFleet(db, { status: 'starting' }))] : ready
    return rows
      .filter((row) => can('drain', row) === true)
      .toSorted((a, b) => a.created_at.getTime() - b.created_at.getTime())
      .slice(0, p.count)
      .map((row) => ({ instanceId: row.id }))
  }
}
