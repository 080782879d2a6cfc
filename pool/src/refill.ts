import { type Loop, startLoop, withTransaction } from '@convos/kit'
import type { Context } from './context.ts'
import { countStock, databaseNow, insertStarting, listCreationFailures } from './db/instances.ts'
import { holdSettings, readSettings } from './db/settings.ts'
import type { Fleet } from './fleet.ts'
import { newInstanceId } from './naming.ts'
import { planRefill, type RefillPlan } from './pool.ts'

export interface Refill extends Loop {
  /** Adds so many instances now, whatever the target; `held` says what kept it from more. */
  add(p: { count: number; actor: string; requestId: string | null }): Promise<{ ids: string[]; held: RefillPlan['held'] }>
  /** Fills up to the target now. */
  topUp(p: { actor: string; requestId: string | null }): Promise<string[]>
}

/** What holds the refill back now, if anything does. */
export async function readHeld(ctx: Context): Promise<RefillPlan['held']> {
  const { config, db, limits } = ctx
  const [stock, failures, { paused }, now] = await Promise.all([
    countStock(db),
    listCreationFailures(db),
    readSettings(db),
    databaseNow(db),
  ])
  return planRefill({ ...stock, failures, paused, now, target: config.minIdle, maxTotal: config.maxTotal }, limits).held
}

/**
 * Keeps the stock at its target. Any replica may do it at any time: rows are added one manager at a time, under the
 * settings' lock, and count from the moment they are written.
 */
export function startRefill(ctx: Context, fleet: Fleet): Refill {
  const { config, db, limits, log, signals } = ctx
  let heldBefore: string | null = null

  async function addRows(p: { extra: number | null; reason: string; actor: string; requestId: string | null }) {
    const { ids, held } = await withTransaction(db, async (tx) => {
      const { paused } = await holdSettings(tx)
      const stock = await countStock(tx)
      const failures = await listCreationFailures(tx)
      const now = await databaseNow(tx)
      const facts = { ...stock, failures, paused, now, target: config.minIdle, maxTotal: config.maxTotal }
      const plan = planRefill(facts, limits, p.extra)
      const fresh = Array.from({ length: plan.create }, newInstanceId)
      if (fresh.length > 0) await insertStarting(tx, { ids: fresh, reason: p.reason, actor: p.actor, requestId: p.requestId })
      return { ids: fresh, held: plan.held }
    })
    if (ids.length > 0) {
      log.info({ instanceIds: ids, reason: p.reason }, 'creating instances')
      signals.emit('changed')
      // not awaited: who asks for more stock does not wait for services; a failed call is repeated by the tick
      for (const id of ids) void fleet.create(id)
    }
    return { ids, held }
  }

  async function topUp(p: { actor: string; requestId: string | null }): Promise<string[]> {
    const { ids, held } = await addRows({ ...p, extra: null, reason: 'fewer than the target are ready or on their way' })
    if (held && held.code !== heldBefore) log.warn({ held }, 'the refill is held back')
    heldBefore = held?.code ?? null
    return ids
  }

  const loop = startLoop({
    name: 'refill',
    everyMs: config.tickIntervalMs,
    clock: ctx.clock,
    log,
    pass: async () => void (await topUp({ actor: 'pool', requestId: null })),
  })
  signals.on('shrunk', () => loop.wake())

  return {
    ...loop,
    topUp,
    add: ({ count, ...who }) => addRows({ ...who, extra: count, reason: 'asked for by an operator' }),
  }
}
