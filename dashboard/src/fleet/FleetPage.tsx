import { useInfiniteQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useUntold } from '../live/useLive.ts'
import { useTitle } from '../ui/useTitle.ts'
import { useSetSearch } from '../ui/useUrlText.ts'
import { type Act, planFor } from './acts.ts'
import { ActDialog } from './ActDialog.tsx'
import type { Chosen } from './chosen.ts'
import { BulkBar } from './BulkBar.tsx'
import { FleetTable } from './FleetTable.tsx'
import { None, ReadProblem } from './FleetStates.tsx'
import { FleetBar } from './FleetBar.tsx'
import { rowsOf } from './listing.ts'
import { instancesQuery } from './queries.ts'
import { useFleetKeys } from './useFleetKeys.ts'
import { listingOf, searchFor, viewFrom, type FleetView } from './view.ts'
import { useWorks } from './works/useWorks.ts'
import { WorkList } from './works/WorkList.tsx'

const InstancePanel = lazy(() => import('./panel/InstancePanel.tsx').then((module) => ({ default: module.InstancePanel })))

/** Every instance, live, and what can be done about it. */
export function FleetPage() {
  useTitle('Fleet')
  const search = useSearch({ strict: false })
  const setSearch = useSetSearch()
  const view = useMemo(() => viewFrom(search), [search])
  // a panel that comes up is a step: on a phone it hides the list, which is gone back to
  const show = (change: Partial<FleetView>) => setSearch(searchFor(change), view.open === '' && Boolean(change.open))
  const list = useInfiniteQuery(instancesQuery(listingOf(view)))
  const error = useUntold(list.error, list.data !== undefined)
  const rows = useMemo(() => (list.data ? rowsOf(list.data) : null), [list.data])
  const [chosen, setChosen] = useState<Chosen>({})
  const [asked, setAsked] = useState<Act | null>(null)
  const works = useWorks()
  const selected = useMemo(() => rows?.filter(({ id }) => chosen[id]) ?? [], [rows, chosen])
  const active = useFleetKeys({ rows: rows ?? [], view, show, chosen, setChosen })

  return (
    <div className="fleet">
      <h1 className="visually-hidden">Fleet</h1>
      <FleetBar view={view} show={show} shown={rows?.length ?? null} more={list.hasNextPage} />
      {error && <ReadProblem error={error} since={list.data ? list.dataUpdatedAt : null} again={list.refetch} />}
      {rows?.length === 0 ? (
        <None view={view} show={show} />
      ) : (
        (rows || !list.error) && (
          <FleetTable
            rows={rows}
            view={view}
            show={show}
            chosen={chosen}
            setChosen={setChosen}
            active={active}
            old={list.isPlaceholderData}
            more={list.hasNextPage}
            fetchMore={list.isFetching || list.isFetchNextPageError ? null : list.fetchNextPage}
          />
        )
      )}
      <BulkBar selected={selected} more={list.hasNextPage} onAct={setAsked} onClear={() => setChosen({})} />
      <WorkList works={works} />
      {asked !== null && (
        <ActDialog
          plan={planFor(asked, selected)}
          instances={selected}
          onClose={() => setAsked(null)}
          onBegin={(ids, label) => {
            void works.begin(asked, ids, label)
            setAsked(null)
            setChosen({})
          }}
        />
      )}
      <Suspense>{view.open !== '' && <InstancePanel id={view.open} tab={view.tab} show={show} works={works} />}</Suspense>
    </div>
  )
}
