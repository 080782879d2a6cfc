import { Gauge } from 'prom-client'
import type { Cache } from '../cache.ts'
import type { Context } from '../context.ts'
import { ALERT_CODES, STATUSES } from '../contract/index.ts'
import { readGauges, readOldestMs } from '../db/gauges.ts'
import { listImages } from '../db/images.ts'
import { databaseNow } from '../db/instances.ts'
import type { Feed } from '../feed/feed.ts'
import { breakerOf } from '../supply/images.ts'
import { readHeld } from '../supply/refill.ts'
import type { Tick } from '../fleet/tick.ts'
import { recent } from '../recent.ts'

/** What a scraper sees of the pool as a whole; read when it asks, and then not again for a while. */
export function exposeGauges(ctx: Context, { cache, feed, tick }: { cache: Cache; feed: Feed; tick: Tick }): void {
  const { db, limits, log } = ctx
  const seen = recent(limits.gaugesKeptMs, () => readGauges(db))
  const oldest = recent(limits.gaugesKeptMs, () => readOldestMs(db))
  const held = recent(limits.gaugesKeptMs, () => readHeld(ctx))
  const images = recent(limits.gaugesKeptMs, async () => ({ records: await listImages(db), now: await databaseNow(db) }))

  /** What cannot be read is left out, so that the rest is still told. */
  function gauge(name: string, help: string, labelNames: string[], read: (gauge: Gauge) => Promise<void> | void): void {
    const made = new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      async collect() {
        this.reset()
        try {
          await read(this)
        } catch (err) {
          // without labels a reset is a 0
          if (labelNames.length === 0) this.remove()
          log.warn({ err, gauge: name }, 'a gauge could not be read')
        }
      },
    })
    ctx.metrics.registry.registerMetric(made)
  }

  gauge('pool_instances', 'Instances by status', ['status'], async (g) => {
    const by = await cache.byStatus()
    for (const status of STATUSES) g.set({ status }, by[status] ?? 0)
  })
  gauge(
    'pool_instances_oldest_age_seconds',
    'For how long the oldest instance of a status has had it; 0: there is none',
    ['status'],
    async (g) => {
      const by = await oldest()
      for (const status of STATUSES) g.set({ status }, (by.get(status) ?? 0) / 1000)
    },
  )
  gauge('pool_idle_target', 'How many ready instances are to be kept', [], async (g) => g.set((await seen()).target))
  gauge('pool_refill_held', '1 while something keeps the stock below its target, by what it is', ['code'], async (g) => {
    const now = await held()
    if (now) g.set({ code: now.code }, 1)
  })
  gauge(
    'pool_image_breaker_open',
    '1 while creation on an image keeps failing, also while it is tried again',
    ['image'],
    async (g) => {
      const { records, now } = await images()
      for (const record of records) g.set({ image: record.image }, breakerOf(record, now) === 'closed' ? 0 : 1)
    },
  )
  gauge('pool_listeners', 'Open streams of events', [], (g) => g.set(feed.listeners))
  gauge('pool_queue_depth', 'Claims that wait for an instance', [], async (g) => g.set((await seen()).queueDepth))
  gauge('pool_queue_oldest_age_seconds', 'How long the longest has waited; 0: nobody waits', [], async (g) =>
    g.set((await seen()).queueOldestMs / 1000),
  )
  gauge('pool_tick_age_seconds', 'Time since a look at the whole fleet was completed, by any replica', [], async (g) =>
    g.set((await seen()).tickAgeMs / 1000),
  )
  gauge('pool_tick_interval_seconds', 'How often a look at the whole fleet is due', [], (g) =>
    g.set(ctx.config.tickIntervalMs / 1000),
  )
  gauge('pool_leading', '1 on the replica that ticks', [], (g) => g.set(tick.leading ? 1 : 0))
  gauge('pool_alerts_firing', '1 while an alert fires', ['code'], async (g) => {
    const { firing } = await seen()
    for (const code of ALERT_CODES) g.set({ code }, firing.includes(code) ? 1 : 0)
  })
}
