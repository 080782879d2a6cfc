import type { FeedMessage, Instance, PoolStatus, StatsWindow } from '@convos/pool/contract'
import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import { readStatus } from '../api/pool.ts'
import { operationsQuery } from '../api/queries.ts'
import { readAlerts, readImages, readInstancesAfter, readProviders, readSettings, readStats, readTick } from '../api/supply.ts'
import { live } from '../live/apply.ts'
import { intoStatus, STALE } from '../live/merge.ts'
import { CELLS_MAX } from './rack.ts'

/** What no event tells is asked for so often while it is looked at. */
const ASK_MS = 15_000

/** Read again when an event of one of these types is told. */
export const staleOn =
  (...types: string[]) =>
  <T>(data: T, news: readonly FeedMessage[]): T | typeof STALE =>
    news.some((message) => message.event === 'activity' && types.includes(message.data.type)) ? STALE : data

export const statsQuery = (window: StatsWindow) =>
  queryOptions({
    queryKey: ['pool', 'stats', window],
    queryFn: ({ signal }) => readStats(window, signal),
    placeholderData: keepPreviousData,
    ...live(staleOn()),
    refetchInterval: ASK_MS,
  })

export const providersQuery = queryOptions({
  queryKey: ['pool', 'providers'],
  queryFn: ({ signal }) => readProviders(signal),
  refetchInterval: ASK_MS,
})

export const alertsQuery = queryOptions({
  queryKey: ['pool', 'alerts'],
  queryFn: ({ signal }) => readAlerts(signal),
  ...live(staleOn('settings_changed', 'breaker_opened', 'breaker_closed')),
  refetchInterval: ASK_MS,
})

export const tickQuery = queryOptions({
  queryKey: ['pool', 'tick'],
  queryFn: ({ signal }) => readTick(signal),
  refetchInterval: ASK_MS,
})

export const imagesQuery = queryOptions({
  queryKey: ['pool', 'images'],
  queryFn: ({ signal }) => readImages(signal),
  ...live(staleOn('breaker_opened', 'breaker_closed', 'image_trusted', 'image_wanted')),
  refetchInterval: ASK_MS,
})

export const settingsQuery = queryOptions({
  queryKey: ['pool', 'settings'],
  queryFn: ({ signal }) => readSettings(signal),
  ...live(staleOn('settings_changed')),
})

/** The pool with all of its instances, where there are more than its status tells, and not more than are drawn. */
export const wholePoolQuery = queryOptions({
  queryKey: ['pool', 'whole'],
  queryFn: async ({ signal }): Promise<PoolStatus> => {
    const status = await readStatus(signal)
    const known = new Map<string, Instance>()
    let cursor: string | undefined
    do {
      const page = await readInstancesAfter(cursor, signal)
      for (const instance of page.instances) known.set(instance.id, instance)
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined && known.size <= CELLS_MAX)
    return { ...status, instances: [...known.values()], truncated: cursor !== undefined }
  },
  ...live(intoStatus),
})

/** Asks for what the page shows, before it does. */
export function readPool(client: QueryClient): void {
  void client.prefetchQuery(operationsQuery)
  void client.prefetchQuery(statsQuery('1h'))
  void client.prefetchQuery(imagesQuery)
  void client.prefetchQuery(settingsQuery)
  void client.prefetchQuery(providersQuery)
  void client.prefetchQuery(alertsQuery)
  void client.prefetchQuery(tickQuery)
}
