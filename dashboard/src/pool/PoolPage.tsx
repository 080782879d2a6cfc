import type { PoolStatus } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { operationsQuery, statusQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { Problem } from '../ui/Problem.tsx'
import { useTitle } from '../ui/useTitle.ts'
import { Budgets } from './Budgets.tsx'
import { Drain } from './Drain.tsx'
import { FigureCards } from './FigureCards.tsx'
import { Pause, PausedBanner } from './Pause.tsx'
import { settingsQuery, wholePoolQuery } from './queries.ts'
import { CELLS_MAX } from './rack.ts'
import { Rack, RackWaiting } from './Rack.tsx'
import { RackBar } from './RackBar.tsx'
import type { CellMark } from './RackCell.tsx'
import { Replenish } from './Replenish.tsx'
import { Rollout } from './Rollout.tsx'
import { Supply } from './Supply.tsx'
import { Watch } from './Watch.tsx'
import { windowFrom } from './window.ts'
import { heldWords } from './words.ts'
import { Work } from './Work.tsx'
import { drainable, leftOf, rolloutUnderWay } from './work.ts'

/** What holds the refill back may change without an event. */
const ASK_MS = 30_000
const RETRY_MS = 3_000

/** The supply of instances: how it is, how it was, and what changes it. */
export function PoolPage() {
  useTitle('Pool')
  const { status, error, isPartial } = useWholePool()
  const window = windowFrom(useSearch({ strict: false }))
  const paused = useQuery(settingsQuery).data?.paused ?? status?.held?.code === 'PAUSED'
  const rollout = rolloutUnderWay(useQuery(operationsQuery).data?.operations ?? [])
  const [draining, setDraining] = useState<number | null>(null)
  const ready = useMemo(() => drainable(status?.instances ?? []), [status])
  const marks = useMemo(() => {
    const replaced = leftOf(rollout).map((id): [string, CellMark] => [id, 'replace'])
    const drained = draining === null ? [] : ready.slice(0, draining).map(({ id }): [string, CellMark] => [id, 'drain'])
    return new Map([...replaced, ...drained])
  }, [rollout, ready, draining])
  return (
    <div className="page stack">
      <h1 className="visually-hidden">Pool</h1>
      {paused && <PausedBanner />}
      {status?.held && status.held.code !== 'PAUSED' && <Held held={status.held} />}
      <Supply status={status} window={window}>
        <Replenish />
        <Button look="danger" aria-expanded={draining !== null} onClick={() => setDraining(draining === null ? 1 : null)}>
          Drain…
        </Button>
        <Pause paused={paused} />
      </Supply>
      {draining !== null && (
        <Drain
          from={ready}
          isPartial={status?.truncated ?? false}
          count={draining}
          onCount={setDraining}
          onClose={() => setDraining(null)}
        />
      )}
      <Work />
      <section className="panel" aria-label="Rack">
        {status && !isPartial ? (
          <Instances status={status} marks={marks} />
        ) : error ? (
          <Problem error={error} />
        ) : (
          <RackWaiting byStatus={status?.byStatus ?? {}} />
        )}
      </section>
      {/* not before it is known how high the rack is, which would push it down */}
      {(status || error) && (
        <>
          <FigureCards window={window} />
          <div className="pool-columns">
            <Rollout instances={status?.instances ?? []} rollout={rollout} />
            <Budgets />
            <Watch />
          </div>
        </>
      )}
    </div>
  )
}

/** The pool with as many of its instances as can be drawn. */
function useWholePool() {
  const { data: status, error } = useQuery({
    ...statusQuery,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : ASK_MS),
  })
  const total = status ? Object.values(status.counts).reduce((sum, n) => sum + n, 0) : 0
  const isWanted = (status?.truncated ?? false) && total <= CELLS_MAX
  const whole = useQuery({ ...wholePoolQuery, enabled: isWanted })
  return {
    status: isWanted && whole.data && status ? { ...status, ...whole.data, held: status.held, target: status.target } : status,
    error,
    /** The rest of its instances is on its way. */
    isPartial: isWanted && whole.isLoading,
  }
}

function Instances({ status, marks }: { status: PoolStatus; marks: ReadonlyMap<string, CellMark> }) {
  if (status.truncated) return <RackBar byStatus={status.byStatus} />
  if (status.instances.length > 0) return <Rack instances={status.instances} marks={marks} />
  const hint =
    status.target > 0
      ? 'It fills itself within minutes. Replenish starts at once; if nothing comes, the alerts below say why.'
      : 'Its target is 0, so that it keeps no ready instances. Replenish adds some.'
  return <EmptyState what="The pool is empty." hint={hint} />
}

/** An empty pool that does not fill must say why. */
function Held({ held }: { held: NonNullable<PoolStatus['held']> }) {
  const { what, why, todo } = heldWords(held)
  return (
    <div className="notice pool-banner">
      <p role="status">
        <strong>{what}</strong> {why} {todo}
      </p>
      {held.code === 'MAX_TOTAL' && <Link to="/settings">Change the cap</Link>}
    </div>
  )
}
