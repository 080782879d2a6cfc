import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useMemo, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { formatNumber } from '../ui/format.ts'
import { useUntold } from '../live/useLive.ts'
import { useTitle } from '../ui/useTitle.ts'
import { useSetSearch } from '../ui/useUrlText.ts'
import { LogBar } from './LogBar.tsx'
import { LogList } from './LogList.tsx'
import { ReadProblem } from './ReadProblem.tsx'
import { linesOf } from './news.ts'
import { logQuery, newsQuery, readFromEnd } from './queries.ts'
import { filterOf, isFiltered, type LogView, NO_FILTER, searchFor, viewFrom } from './view.ts'

const ExportDialog = lazy(() => import('./ExportDialog.tsx').then((module) => ({ default: module.ExportDialog })))

/** Everything that happened, the latest first, and what happens. */
export function ActivityPage() {
  useTitle('Activity')
  const search = useSearch({ strict: false })
  const setSearch = useSetSearch()
  const client = useQueryClient()
  const view = useMemo(() => viewFrom(search), [search])
  const [openedAt] = useState(() => Date.now())
  const filter = useMemo(() => filterOf(view, openedAt), [view, openedAt])
  const show = (change: Partial<LogView>) => setSearch(searchFor(change))
  const log = useInfiniteQuery(logQuery(filter))
  const after = log.isPlaceholderData ? undefined : log.data?.pages[0]?.cursor
  const news = useQuery(newsQuery(filter, after))
  const lines = useMemo(() => log.data && linesOf(log.data.pages, news.data), [log.data, news.data])
  const [exporting, setExporting] = useState(false)
  const error = log.error ?? news.error
  const told = useUntold(error, log.data !== undefined && !log.isFetchNextPageError)
  // the database was restored: what is on screen is of a log that is no more
  const isGone = error?.code === 'CURSOR_UNKNOWN'
  useEffect(() => {
    if (isGone) void client.resetQueries({ queryKey: logQuery(filter).queryKey, exact: true })
  }, [isGone, client, filter])
  const again = () => {
    if (log.isFetchNextPageError) void log.fetchNextPage()
    else readFromEnd(client, filter)
  }

  return (
    <div className="log-page">
      <h1 className="visually-hidden">Activity</h1>
      <LogBar view={view} show={show}>
        <p className="log-count" role="status">
          {lines && `${formatNumber(lines.length)}${log.hasNextPage ? '+' : ''} shown`}
        </p>
        <Button className="compact" onClick={() => setExporting(true)}>
          Export…
        </Button>
      </LogBar>
      {told && <ReadProblem error={told} since={log.data ? news.dataUpdatedAt || log.dataUpdatedAt : null} again={again} />}
      {lines?.length === 0 && !log.isPlaceholderData ? (
        <None view={view} show={show} />
      ) : (
        (lines || !error) && (
          <LogList
            // another filter begins at its top
            key={JSON.stringify(filter)}
            lines={lines ?? null}
            show={show}
            old={log.isPlaceholderData}
            tooMuch={news.data?.tooMuch ?? false}
            readFromEnd={() => readFromEnd(client, filter)}
            more={log.hasNextPage}
            fetchMore={log.isFetching || log.isFetchNextPageError ? null : log.fetchNextPage}
          />
        )
      )}
      <Suspense>{exporting && <ExportDialog filter={filter} onClose={() => setExporting(false)} />}</Suspense>
    </div>
  )
}

const None = ({ view, show }: { view: LogView; show: (change: Partial<LogView>) => void }) =>
  isFiltered(view) ? (
    <EmptyState what="No event passes the filter." hint="What passes appears here as it happens.">
      <Button onClick={() => show(NO_FILTER)}>Show all</Button>
    </EmptyState>
  ) : (
    <EmptyState what="Nothing has happened yet." hint="Every change of an instance, a claim or a setting appears here." />
  )
