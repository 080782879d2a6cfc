import { Gauge } from 'prom-client'
import type { Cache } from './cache.ts'
import type { Context } from './context.ts'
import { STATUSES } from './contract/index.ts'
import type { Feed } from './feed/feed.ts'
import { readHeld } from './refill.ts'

/** What a scraper sees of the pool itself; read when it asks. */
export function countFleet(ctx: Context, cache: Cache): void {
  const { registry } = ctx.metrics
  const byStatus = new Gauge({
    name: 'pool_instances',
    help: 'Instances by status',
    labelNames: ['status'],
    registers: [],
    async collect() {
      const by = await cache.byStatus()
      for (const status of STATUSES) this.set({ status }, by[status] ?? 0)
    },
  })
  const held = new Gauge({
    name: 'pool_refill_held',
    help: '1 while something keeps the stock below its target, by what it is',
    labelNames: ['code'],
    registers: [],
    async collect() {
      const now = await readHeld(ctx)
      this.reset()
      if (now) this.set({ code: now.code }, 1)
    },
  })
  registry.registerMetric(byStatus)
  registry.registerMetric(held)
}

/** How many listen to this replica. */
export function countListeners({ metrics }: Context, feed: Feed): void {
  const listeners = new Gauge({
    name: 'pool_listeners',
    help: 'Open streams of events',
    registers: [],
    collect() {
      this.set(feed.listeners)
    },
  })
  metrics.registry.registerMetric(listeners)
}
