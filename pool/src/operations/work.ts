import { startLoop } from '@convos/kit'
import type { Context } from '../context.ts'
import { type Item, putOffItem, settleItem, takeItems } from '../db/items.ts'
import type { OperationKind } from '../db/operations.ts'
import { readSettings } from '../db/settings.ts'
import { ServicesError } from '../services/errors.ts'

/** What came of an attempt at an item: it is over, cannot be done, or is looked at again later. */
export type Outcome = { done: true; report?: Record<string, unknown> } | { error: string } | { againMs: number; step?: string }

const TIMER_SLACK_MS = 5

/** How a kind of operation carries out one item. It may be called any number of times, so each must be safe to repeat. */
export type Work = (item: Item) => Promise<Outcome>

/**
 * Carries out items that call services. Each is taken with a lease, worked on without any transaction, and settled only while
 * the lease is still held: whoever dies at it is replaced by another replica once the lease has run out.
 */
export function startWork(ctx: Context, kinds: Partial<Record<OperationKind, Work>>) {
  const { clock, config, db, limits, log, signals } = ctx
  const running = new Set<Promise<void>>()
  const stopping = new AbortController()

  const loop = startLoop({
    name: 'operation-work',
    everyMs: config.tickIntervalMs,
    clock,
    log,
    async pass() {
      const limit = limits.itemsAtOnce - running.size
      if (limit <= 0 || stopping.signal.aborted) return
      for (const item of await takeItems(db, { kinds: Object.keys(kinds), limit, leaseMs: limits.itemLeaseMs })) start(item)
    },
  })
  signals.on('operation', () => loop.wake())

  function start(item: Item): void {
    const work = carryOut(item).finally(() => {
      running.delete(work)
      loop.wake()
    })
    running.add(work)
  }

  /** Never rejects: an item that nobody settles is taken again. */
  async function carryOut(item: Item): Promise<void> {
    const { operation_id: operationId, instance_id: instanceId, kind } = item
    try {
      const outcome = await bounded(item, await attempt(item))
      const held = await settle(item, outcome)
      if (!held) log.warn({ operationId, instanceId, kind }, 'an item was taken over by another replica meanwhile')
    } catch (err) {
      log.error({ err, operationId, instanceId, kind }, 'an item was interrupted; it is tried again when its lease has run out')
    }
  }

  async function attempt(item: Item): Promise<Outcome> {
    const work = kinds[item.kind]
    if (!work) throw new Error(`nobody knows how to ${item.kind}`)
    try {
      return await work(item)
    } catch (err) {
      if (!(err instanceof ServicesError)) {
        log.error({ err, operationId: item.operation_id, instanceId: item.instance_id }, 'an item failed unexpectedly')
        return { againMs: limits.itemLeaseMs }
      }
      if (isRefusal(err)) return { error: err.detail ?? err.code }
      log.warn(
        { err, operationId: item.operation_id, instanceId: item.instance_id },
        'services could not be asked; it is tried again',
      )
      return { againMs: limits.itemRetryMs }
    }
  }

  /** Nothing is tried for ever. */
  async function bounded(item: Item, outcome: Outcome): Promise<Outcome> {
    if (!('againMs' in outcome)) return outcome
    const { stuckTimeoutMs } = await readSettings(db)
    return item.age_ms >= stuckTimeoutMs ? { error: 'it was not done in time' } : outcome
  }

  async function settle(item: Item, outcome: Outcome): Promise<boolean> {
    if (!('againMs' in outcome)) {
      const error = 'error' in outcome ? outcome.error : null
      return settleItem(db, { ...item, error, report: ('report' in outcome && outcome.report) || null })
    }
    const { againMs, step = null } = outcome
    const held = await putOffItem(db, { ...item, step, ms: againMs })
    // from here on, so that it is due by the database's clock as well; a timer may be a little early
    void clock.sleep(againMs + TIMER_SLACK_MS, stopping.signal).then(() => loop.wake())
    return held
  }

  return {
    /** Takes nothing more, and lets what is under way come to its end; what does not is left to its lease. */
    async stop(): Promise<void> {
      stopping.abort()
      await loop.stop()
      const cut = new AbortController()
      await Promise.race([Promise.all(running), clock.sleep(limits.shutdownMs, cut.signal)])
      cut.abort()
    },
  }
}

const REFUSALS = [400, 404, 409, 410, 413, 422]

/** Services understood and refused: asking again would be answered the same. */
const isRefusal = ({ status, fault }: ServicesError): boolean =>
  fault !== 'provider' && status !== null && REFUSALS.includes(status)
