import type { FeedMessage } from '@convos/pool/contract'
import { type InvalidateOptions, notifyManager, type Query, type QueryClient } from '@tanstack/react-query'
import { type Merge, STALE } from './merge.ts'

// `meta: live(merge)` of a query says how news goes into its data.
declare module '@tanstack/react-query' {
  interface Register {
    queryMeta: { merge?: Merge<never> }
  }
}

/** After a failure the pool is given a little air. */
const RETRY_MS = 3_000

/** Makes a query one that the stream keeps fresh: fetched once, then told. What could not be fetched is asked for until it can. */
export const live = <T>(merge: Merge<T>) =>
  ({
    staleTime: Infinity,
    meta: { merge: merge as unknown as Merge<never> },
    refetchInterval: (query: { state: { status: string } }) => (query.state.status === 'error' ? RETRY_MS : (false as const)),
  }) as const

const mergeOf = (query: Query) => query.meta?.merge as Merge<unknown> | undefined

/** Everything that the stream keeps fresh is read again: what is on screen now, the rest when it is looked at. */
export const readAgain = (client: QueryClient, options: InvalidateOptions = {}) =>
  client.invalidateQueries({ predicate: (query) => mergeOf(query) !== undefined }, options)

/**
 * Puts news into the cache. What is told while a query is being fetched may be newer than the answer that is on its way, so it
 * is put in once more when that has come.
 */
export function newsDesk(client: QueryClient) {
  const cache = client.getQueryCache()
  const meanwhile = new Map<Query, FeedMessage[]>()

  function put(query: Query, news: readonly FeedMessage[]): void {
    const merge = mergeOf(query)
    if (!merge || query.state.data === undefined) return
    const next = merge(query.state.data, news)
    if (next === STALE) void client.invalidateQueries({ queryKey: query.queryKey, exact: true }, { cancelRefetch: false })
    else if (next !== query.state.data) client.setQueryData(query.queryKey, next)
  }

  const unsubscribe = cache.subscribe((event) => {
    if (event.type === 'removed') meanwhile.delete(event.query)
    if (event.type !== 'updated' || event.query.state.fetchStatus !== 'idle') return
    const news = meanwhile.get(event.query)
    if (!news) return
    meanwhile.delete(event.query)
    put(event.query, news)
  })

  return {
    tell(news: readonly FeedMessage[]): void {
      notifyManager.batch(() => {
        for (const query of cache.getAll()) {
          if (!mergeOf(query)) continue
          if (query.state.fetchStatus === 'fetching') meanwhile.set(query, [...(meanwhile.get(query) ?? []), ...news])
          put(query, news)
        }
      })
    },
    close: unsubscribe,
  }
}
