import { type Loop, type Queryable, startLoop, withTransaction } from '@convos/kit'
import type { Context } from '../context.ts'
import { listImages, readWanted } from '../db/images.ts'
import { databaseNow, insertStarting } from '../db/instances.ts'
import { holdSettings, readSettings, type Settings } from '../db/settings.ts'
import { countStock } from '../db/stock.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { UNRESOLVED } from './images.ts'
import { newInstanceId } from '../naming.ts'
import { type Held, planRefill, type SupplyFacts, withSurge } from './plan.ts'
import { NO_TURN, rotate } from './turn.ts'

export interface Refill extends Loop {
  /** Adds so many instances now, whatever the target; `held` says what kept it from more. */
  add(p: { count: number; actor: string; requestId: string | null }): Promise<{ ids: string[]; held: Held | null }>
  /** Fills up to the target now. */
  topUp(p: { actor: string; requestId: string | null }): Promise<string[]>
}

/** What the refill decides from. Each part is a statement of its own: one would count with a snapshot from before the lock. */
async function readSupply(db: Queryable, settings: Settings): Promise<SupplyFacts> {
  const stock = await countStock(db)
  const images = await listImages(db)
  return { settings, stock, images, wanted: await readWanted(db), now: await databaseNow(db) }
}

/** As it stands now, for whoever only looks. */
export const readSupplyNow = async (db: Queryable): Promise<SupplyFacts> => readSupply(db, await readSettings(db))

/** What holds the refill back now, if anything does. */
export const readHeld = async ({ db }: Pick<Context, 'db'>): Promise<Held | null> => planRefill(await readSupplyNow(db)).held

/**
 * Keeps the stock at its target. Any replica may do it at any time: rows are added one manager at a time, under the
 * settings' lock, and count from the moment they are written.
 */
export function startRefill(ctx: Context, fleet: Fleet): Refill {
  const { config, db, limits, log, signals } = ctx
  let heldBefore: string | null = null

  async function addRows(p: { extra: number | null; reason: string; actor: string; requestId: string | null }) {
    const { instances, held, retired } = await withTransaction(db, async (tx) => {
      const before = await readSupply(tx, await holdSettings(tx))
      const turn = p.extra === null ? await rotate(tx, before, limits) : NO_TURN
      const facts = { ...before, stock: { ...before.stock, ready: before.stock.ready - turn.retired.length } }
      const plan = withSurge(planRefill(facts, p.extra), turn.surge, facts)
      const fresh = plan.create.flatMap(({ image, count }) =>
        Array.from({ length: count }, () => ({ id: newInstanceId(), image: image === UNRESOLVED ? null : image })),
      )
      if (fresh.length > 0)
        await insertStarting(tx, { instances: fresh, reason: p.reason, actor: p.actor, requestId: p.requestId })
      return { instances: fresh, held: plan.held, retired: turn.retired }
    })
    const ids = instances.map(({ id }) => id)
    for (const id of retired) void fleet.destroy(id)
    if (retired.length > 0) signals.emit('changed', 'shrunk')
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
  // one more than before: what it replaces may go
  signals.on('ready', () => loop.wake())

  return {
    ...loop,
    topUp,
    add: ({ count, ...who }) => addRows({ ...who, extra: count, reason: 'asked for by an operator' }),
  }
}
