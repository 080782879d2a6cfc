import type { Operation, PoolStatus } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import { statusQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { formatNumber, plural } from '../ui/format.ts'
import { useSetSearch } from '../ui/useUrlText.ts'
import { useTitle } from '../ui/useTitle.ts'
import { countByStatus, filterFrom, visible } from './filter.ts'
import { Filters } from './Filters.tsx'
import { InstanceTable } from './InstanceTable.tsx'
import { KillDialog } from './KillDialog.tsx'
import { OperationList, type Started } from './OperationList.tsx'

/** Every instance, live, and what can be done about it. */
export function InstancesPage() {
  useTitle('Fleet')
  const { data } = useQuery(statusQuery)
  const [started, setStarted] = useState<Started[]>([])
  const [asked, setAsked] = useState<string | null>(null)
  const onKill = useCallback((id: string) => setAsked(id), [])

  const onStarted = (operation: Operation, label: string) => {
    setStarted((others) => [...others.filter((other) => other.operation.id !== operation.id), { operation, label }])
  }
  const byId = (id: string) => data?.instances.find((instance) => instance.id === id)
  return (
    <div className="page stack">
      <h1 className="visually-hidden">Fleet</h1>
      <OperationList started={started} onClear={setStarted} />
      <Instances status={data} onKill={onKill} />
      {asked !== null && <KillDialog instance={byId(asked)} onClose={() => setAsked(null)} onStarted={onStarted} />}
    </div>
  )
}

function Instances({ status, onKill }: { status: PoolStatus | undefined; onKill: (id: string) => void }) {
  const search = useSearch({ strict: false })
  const filter = useMemo(() => filterFrom(search), [search])
  const deferred = useDeferredValue(filter)
  const rows = useMemo(() => status && visible(status.instances, deferred), [status, deferred])
  const counts = useMemo(() => status && countByStatus(status.instances), [status])
  return (
    <>
      <Filters filter={filter} counts={counts ?? null} />
      {status?.truncated && (
        <p className="notice">The pool holds more than {formatNumber(status.instances.length)} instances; these are shown.</p>
      )}
      {status && rows?.length === 0 ? (
        <Empty of={status.instances.length} target={status.target} />
      ) : (
        <InstanceTable instances={rows ?? null} onKill={onKill} />
      )}
    </>
  )
}

function Empty({ of, target }: { of: number; target: number }) {
  const setSearch = useSetSearch()
  if (of > 0) {
    return (
      <EmptyState what={`None of ${plural(of, 'instance')} passes the filter.`}>
        <Button onClick={() => setSearch({ status: '', q: '' })}>Show all</Button>
      </EmptyState>
    )
  }
  const hint =
    target > 0
      ? 'It fills itself within minutes. Replenish starts at once; if nothing comes, the services log says why.'
      : 'It keeps no ready instances now. Replenish adds some.'
  return <EmptyState what="The pool is empty." hint={hint} />
}
