import type { Context } from './context.ts'
import type { Counts, Status } from './contract/index.ts'
import { countByStatus, type InstanceRow, listAgents, toCounts } from './db/instances.ts'

export interface Cache {
  counts(): Promise<Counts>
  byStatus(): Promise<Partial<Record<Status, number>>>
  agents(): Promise<InstanceRow[]>
}

/** What public reads are served from: any number of readers cost one statement per second, or per change. */
export function createCache(ctx: Context): Cache {
  const byStatus = kept(ctx, () => countByStatus(ctx.db))
  return { byStatus, counts: async () => toCounts(await byStatus()), agents: kept(ctx, () => listAgents(ctx.db)) }
}

/** Keeps what `read` answers until it is old or something changed; many at once make one call. */
function kept<T>(ctx: Context, read: () => Promise<T>): () => Promise<T> {
  const { limits, signals } = ctx
  let value: { is: T } | null = null
  let reading: Promise<T> | null = null
  let readAt = -Infinity
  let changed = true
  signals.on('changed', () => (changed = true))

  async function refresh(): Promise<T> {
    changed = false
    readAt = performance.now()
    try {
      value = { is: await read() }
      return value.is
    } catch (err) {
      changed = true
      throw err
    } finally {
      reading = null
    }
  }

  return () => {
    const age = performance.now() - readAt
    // under constant change ten reads a second are enough
    if (value && age < (changed ? limits.cacheMinMs : limits.cacheMs)) return Promise.resolve(value.is)
    reading ??= refresh()
    return reading
  }
}
