import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import { type LogFilter, readLog } from '../api/log.ts'
import { live } from '../live/apply.ts'
import { type News, noNews, withRead, withTold } from './news.ts'
import { keysQuery } from '../settings/queries.ts'
import type { Search } from '../url.ts'
import { filterOf, passes, viewFrom } from './view.ts'

const PAGE = 100
const NEWS_PAGE = 1000
const RETRY_MS = 3_000

/** The log from its end backwards, page by page as it is scrolled to. It only ever grows, so that no page is read twice. */
export const logQuery = (filter: LogFilter) =>
  infiniteQueryOptions({
    queryKey: ['log', filter],
    queryFn: ({ pageParam, signal }) => readLog(filter, { before: pageParam, limit: PAGE }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.earlier ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    // a page further back is asked for again by its button
    refetchInterval: ({ state }) => (state.status === 'error' && state.data === undefined ? RETRY_MS : false),
  })

/** What happened after the log was read: told by the stream, and read where that was away. */
export const newsQuery = (filter: LogFilter, after: string | undefined) =>
  queryOptions({
    queryKey: ['log news', filter, after],
    queryFn: async ({ client, queryKey, signal }): Promise<News> => {
      const from = after ?? ''
      const known = client.getQueryData<News>(queryKey) ?? noNews(from)
      return withRead(known, await readLog(filter, { after: known.cursor, limit: NEWS_PAGE }, signal))
    },
    enabled: after !== undefined,
    ...live(withTold(passes(filter))),
    // read once all the same: what happened between the two answers was told to nobody
    staleTime: 0,
    refetchOnWindowFocus: false,
  })

/** Asks for what the page shows, before it does. */
export function readActivity(client: QueryClient, search: Search): void {
  void client.prefetchQuery(keysQuery)
  const view = viewFrom(search)
  // a span ends when the page is opened, which it is not yet
  if (view.span === '') void client.prefetchInfiniteQuery(logQuery(filterOf(view, Date.now())))
}

/** Reads the log from its end again; what is on screen stays until that has come. */
export function readFromEnd(client: QueryClient, filter: LogFilter): void {
  const { queryKey } = logQuery(filter)
  client.setQueryData(queryKey, (data) => data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) })
  void client.invalidateQueries({ queryKey, exact: true })
}
