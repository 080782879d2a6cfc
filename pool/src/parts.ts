import type { Context } from './context.ts'
import { type Cache, createCache } from './cache.ts'
import { type Desk, openDesk } from './claim/desk.ts'
import { type Feed, startFeed } from './feed/feed.ts'
import { createFleet, type Fleet } from './fleet/fleet.ts'
import { type Operations, startOperations } from './operations/index.ts'
import { type Refill, startRefill } from './supply/refill.ts'
import { startTick, type Tick } from './fleet/tick.ts'
import { exposeGauges } from './watch/gauges.ts'
import { startWatch } from './watch/index.ts'

/** The working parts of one replica. */
export interface Parts {
  cache: Cache
  desk: Desk
  feed: Feed
  fleet: Fleet
  operations: Operations
  refill: Refill
  tick: Tick
  readonly stopping: boolean
  /** It is to be sent nothing more: /readyz says so, and all that comes nevertheless is served. */
  retire(): void
  /** Retires it, ends waiters and listeners, finishes running claims, gives the lease back. */
  stop(): Promise<void>
}

export function startParts(ctx: Context): Parts {
  const cache = createCache(ctx)
  const fleet = createFleet(ctx)
  const refill = startRefill(ctx, fleet)
  const operations = startOperations(ctx, fleet, refill)
  const desk = openDesk(ctx)
  const feed = startFeed(ctx)
  const tick = startTick(ctx, fleet)
  const watch = startWatch(ctx, tick)
  exposeGauges(ctx, { cache, feed, tick })
  let stopping = false
  const retire = () => void (stopping = true)
  return {
    cache,
    desk,
    feed,
    fleet,
    operations,
    refill,
    tick,
    get stopping() {
      return stopping
    },
    retire,
    async stop() {
      retire()
      // the claims first: their boxes and their callers wait
      await Promise.all([
        desk.close(ctx.limits.shutdownMs),
        feed.stop(),
        tick.stop(),
        refill.stop(),
        operations.stop(),
        watch.stop(),
      ])
    },
  }
}
