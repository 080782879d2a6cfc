import { type Loop, Problem, startLoop, withTransaction } from '@convos/kit'
import type { Context } from '../context.ts'
import { can, type Operation, type ReplenishReport } from '../contract/index.ts'
import { noteEvent } from '../db/events.ts'
import { listImages, readWanted } from '../db/images.ts'
import type { InstanceRow } from '../db/instances.ts'
import { insertOperation, listOperations, type NewItem, type OperationKind, stopOperation } from '../db/operations.ts'
import { findRollout } from '../db/rotation.ts'
import { holdSettings } from '../db/settings.ts'
import { listClaimedFrom } from '../db/sync.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { newOperationId } from '../naming.ts'
import type { Refill } from '../supply/refill.ts'
import { createEndings } from './ending.ts'
import { presentOperations } from './present.ts'
import { type ReconcileInput, reconcileWork } from './reconcile.ts'
import { type RedeployInput, redeployWork } from './redeploy.ts'
import { beginRollout } from './rollout.ts'
import { type SyncInput, syncWork } from './sync.ts'
import type { Who } from './who.ts'
import { startWork } from './work.ts'

export type Operations = ReturnType<typeof startOperations>

/**
 * Long work that somebody asked for. What is to be done stands in the database; any replica goes on with it. Some of it is over
 * when the rows say so (ending, replenishing), some is carried out by calling services, item by item.
 */
export function startOperations(ctx: Context, fleet: Fleet, refill: Refill) {
  const { db, log, signals } = ctx
  const endings = createEndings(ctx, fleet)

  const loop: Loop = startLoop({
    name: 'operations',
    everyMs: ctx.config.tickIntervalMs,
    clock: ctx.clock,
    log,
    async pass(signal) {
      while (!signal.aborted && (await endings.beginSome()) > 0);
    },
  })
  signals.on('operation', () => loop.wake())
  const work = startWork(ctx, { redeploy: redeployWork(ctx), sync: syncWork(ctx), reconcile: reconcileWork(ctx, fleet) })

  async function read(id: string): Promise<Operation> {
    const [operation] = await presentOperations(ctx, await listOperations(db, { ids: [id], limit: 1 }))
    if (!operation) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such operation' })
    return operation
  }

  async function begin(kind: OperationKind, input: Record<string, unknown>, items: NewItem[], who: Who): Promise<Operation> {
    const id = newOperationId()
    await insertOperation(db, { id, kind, ...who, input, items })
    signals.emit('operation')
    return read(id)
  }

  /** No further items are begun; what is under way goes on. */
  async function halt(id: string, who: Who): Promise<Operation> {
    await withTransaction(db, async (tx) => {
      // what a roll-out takes away is chosen and taken under this lock
      await holdSettings(tx)
      await stopOperation(tx, { id, ...who })
    })
    return read(id)
  }

  /** An agent that works is not moved to what does not boot; one that is there already may be started again. */
  async function refuseBadImage({ image }: InstanceRow): Promise<void> {
    const wanted = await readWanted(db)
    if (wanted === null || wanted === image) return
    const record = (await listImages(db)).find((known) => known.image === wanted)
    if (record && record.opened_at !== null)
      throw new Problem({
        status: 409,
        code: 'IMAGE_BAD',
        detail: `creation on ${wanted} keeps failing; push another, or reset its breaker`,
      })
  }

  return {
    stop: async () => void (await Promise.all([loop.stop(), work.stop()])),
    read,

    async list(): Promise<Operation[]> {
      return presentOperations(ctx, await listOperations(db, { limit: 50 }))
    },

    halt,

    end: async (...p: Parameters<typeof endings.end>) => read(await endings.end(...p)),
    ended: async (...p: Parameters<typeof endings.ended>) => read(await endings.ended(...p)),
    forget: async (...p: Parameters<typeof endings.forget>) => read(await endings.forget(...p)),
    drain: async (...p: Parameters<typeof endings.drain>) => read(await endings.drain(...p)),

    /** Adds so many instances, or fills up to the target. */
    async replenish(count: number | null, who: Who): Promise<Operation> {
      const id = newOperationId()
      const { ids, held } = count === null ? { ids: await refill.topUp(who), held: null } : await refill.add({ ...who, count })
      if (held && ids.length === 0) throw new Problem({ status: 409, code: held.code, detail: held.reason })
      const items = ids.map((instanceId) => ({ instanceId, begun: true }))
      const report: ReplenishReport | null = held && count !== null ? { asked: count, held } : null
      await insertOperation(db, { id, kind: 'replenish', ...who, items, report })
      return read(id)
    },

    /** Replaces the ready instances that are not on the wanted image. */
    async rollout(who: Who): Promise<Operation> {
      const id = await withTransaction(db, (tx) => beginRollout(tx, who))
      signals.emit('shrunk')
      return read(id)
    },

    /** The roll-out under way replaces nothing more. */
    async haltRollout(who: Who): Promise<Operation> {
      const id = await findRollout(db)
      if (id === null) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'no roll-out is under way' })
      return halt(id, who)
    },

    /**
     * Moves an agent to the wanted image, its identity kept; `force` starts it again where it is there already.
     * @throws Problem 409 where its status does not allow it
     */
    async redeploy(row: InstanceRow, input: RedeployInput, who: Who): Promise<Operation> {
      const may = can('redeploy', row)
      if (may !== true) throw new Problem({ status: 409, code: 'WRONG_STATUS', detail: may })
      await refuseBadImage(row)
      const id = newOperationId()
      await withTransaction(db, async (tx) => {
        await noteEvent(tx, { instanceId: row.id, claimId: row.claim_id, type: 'redeploy', ...who, detail: { ...input } })
        await insertOperation(tx, { id, kind: 'redeploy', ...who, input, items: [{ instanceId: row.id, work: true }] })
      })
      signals.emit('operation')
      return read(id)
    },

    /** Gives the agents claimed from a template what it says by now. */
    async sync(templateId: string, who: Who): Promise<Operation> {
      const ids = await listClaimedFrom(db, templateId)
      const items = ids.map((instanceId) => ({ instanceId, work: true }))
      return begin('sync', { templateId } satisfies SyncInput, items, who)
    },

    /** Holds rows, ledgers and providers against each other. */
    reconcile: (input: ReconcileInput, who: Who): Promise<Operation> =>
      begin('reconcile', input, [{ instanceId: null, work: true }], who),
  }
}
