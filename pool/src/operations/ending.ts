import { Problem, type Queryable, withTransaction } from '@convos/kit'
import type { Context } from '../context.ts'
import { can, type Status, STATUSES } from '../contract/index.ts'
import { type InstanceRow, listFleet, readInstance } from '../db/instances.ts'
import { beginDeleting, endClaimsOn } from '../db/moves.ts'
import { holdNextItems, insertOperation, listNextToDrain, type NewItem, type NextItem, settleItems } from '../db/operations.ts'
import { forgetInstance } from '../db/operators.ts'
import { changeSettings } from '../db/settings.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { newOperationId } from '../naming.ts'
import type { Who } from './who.ts'

/** From which statuses each kind takes an instance to its end, and what its row says then. */
const from = (action: 'kill' | 'drain' | 'dismiss'): readonly Status[] =>
  STATUSES.filter((status) => can(action, { status }) === true)
const ENDS = {
  kill: { from: from('kill'), reason: 'killed' },
  drain: { from: from('drain'), reason: 'drained' },
  dismiss: { from: from('dismiss'), reason: 'dismissed' },
}

/** Operations that end instances: their rows leave first, by compare-and-set, and only then services is told. */
export function createEndings(ctx: Context, fleet: Fleet) {
  const { db, limits, signals } = ctx

  async function assertLeaving(tx: Queryable, id: string): Promise<void> {
    const now = await readInstance(tx, id)
    if (now === null || now.status === 'deleting') return
    if (now.protected) throw new Problem({ status: 409, code: 'PROTECTED', detail: 'the instance is protected' })
    throw new Problem({ status: 409, code: 'CHANGED', detail: 'the instance has changed meanwhile; look at it again' })
  }

  async function chooseToDrain(p: { count?: number; ids?: string[]; all?: true }): Promise<NewItem[]> {
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

  return {
    /** Begins the next few drains; answers how many. None: there are no more, or another replica is at them. */
    async beginSome(): Promise<number> {
      // a restored database may call ready what was claimed since: nobody's agent ends for what only a row says
      const next = await listNextToDrain(db, limits.operationBatch)
      if (next.length === 0) return 0
      await fleet.look({ ids: next })
      const begun = await withTransaction(db, async (tx) => {
        const items = await holdNextItems(tx, next)
        const moved = new Map<NextItem, boolean>()
        // rows are locked in one order by everyone, so that two operations cannot wait for each other
        for (const item of items.toSorted((a, b) => (a.instance_id < b.instance_id ? -1 : 1))) {
          const how = { type: 'drain', ...ENDS.drain, actor: item.actor, requestId: item.request_id }
          // only drains wait here, and what they end belongs to no claim
          const ids = await beginDeleting(tx, { ids: [item.instance_id], claimId: null, ...how })
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
    ): Promise<string> {
      const id = newOperationId()
      const mine = await withTransaction(db, async (tx) => {
        const ids = await beginDeleting(tx, { ids: [row.id], claimId: row.claim_id, type: kind, ...ENDS[kind], ...who })
        if (ids.length === 0) await assertLeaving(tx, row.id)
        await endClaimsOn(tx, { instanceIds: ids, unfinished, reason: ENDS[kind].reason, ...who })
        await insertOperation(tx, { id, kind, ...who, items: [{ instanceId: row.id, begun: true }] })
        return ids.length > 0
      })
      if (mine) {
        signals.emit('changed', 'shrunk')
        void fleet.destroy(row.id, who.requestId)
      }
      return id
    },

    /** An operation on an instance that is gone already: done, with nothing to do. */
    async ended(instanceId: string, who: Who): Promise<string> {
      const id = newOperationId()
      await insertOperation(db, { id, kind: 'kill', ...who, items: [{ instanceId, begun: true }] })
      return id
    },

    /**
     * Closes the row of an instance that cannot be taken down to its end; what services may still hold is in the event.
     * @throws Problem unless it is being deleted
     */
    async forget(instanceId: string, reason: string, who: Who): Promise<string> {
      const id = newOperationId()
      await withTransaction(db, async (tx) => {
        if (!(await forgetInstance(tx, { id: instanceId, reason, ...who })) && (await readInstance(tx, instanceId)))
          throw new Problem({
            status: 409,
            code: 'NOT_DELETING',
            detail: 'only an instance that is being deleted can be forgotten',
          })
        await insertOperation(tx, { id, kind: 'forget', ...who, items: [{ instanceId, begun: true }] })
      })
      signals.emit('changed', 'shrunk')
      return id
    },

    /** Ends instances nobody has claimed: the given ones, the oldest few, or all. */
    async drain(p: { count?: number; ids?: string[]; all?: true; refill: boolean }, who: Who): Promise<string> {
      const id = newOperationId()
      const items = await chooseToDrain(p)
      await withTransaction(db, async (tx) => {
        if (!p.refill) await changeSettings(tx, { change: { paused: true }, ...who })
        await insertOperation(tx, { id, kind: 'drain', ...who, items })
      })
      signals.emit('operation')
      return id
    },
  }
}
