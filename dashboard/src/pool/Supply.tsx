import type { PoolStatus, StatsWindow } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { EmptyState } from '../ui/EmptyState.tsx'
import { formatNumber } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { useSetSearch } from '../ui/useUrlText.ts'
import { statsQuery } from './queries.ts'
import { supplyOf } from './series.ts'
import { StatsTable } from './StatsTable.tsx'
import { SupplyChart } from './SupplyChart.tsx'
import { Target } from './Target.tsx'
import { WINDOWS } from './window.ts'

interface SupplyProps {
  status: PoolStatus | undefined
  window: StatsWindow
  /** The controls that change it. */
  children: ReactNode
}

/** Ready against target, now and over time. */
export function Supply({ status, window, children }: SupplyProps) {
  const { data: stats, error, dataUpdatedAt } = useQuery(statsQuery(window))
  const now = Math.max(dataUpdatedAt, Date.parse(stats?.points.at(-1)?.at ?? '') || 0) / 1000
  return (
    <section className="stack" aria-label="Supply">
      <div className="supply">
        <p className="supply-now">
          <b className="big">{status ? formatNumber(status.counts.idle) : '–'}</b> ready
        </p>
        {/* as wide as it will be, so that what stands beside and below it stays there */}
        <div className={status ? 'contents' : 'invisible'}>
          <Target target={status?.target ?? 0} />
        </div>
        <div className="supply-acts">{children}</div>
      </div>
      <div className="panel">
        <WindowChoice window={window} />
        {stats && status ? (
          <>
            <SupplyChart
              key={stats.window}
              supply={supplyOf(stats, { at: now, ready: status.counts.idle, target: status.target })}
            />
            <StatsTable stats={stats} />
          </>
        ) : error ? (
          <Problem error={error} />
        ) : (
          <div className="supply-waiting" aria-busy="true" />
        )}
        {stats && stats.points.every(({ instances }) => instances === null) && (
          <EmptyState what="No history yet." hint="The pool notes what it is like every minute, from its first one on." />
        )}
      </div>
    </section>
  )
}

function WindowChoice({ window }: { window: StatsWindow }) {
  const setSearch = useSetSearch()
  return (
    <div className="windows" role="group" aria-label="How far back">
      {WINDOWS.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          className="chip"
          aria-pressed={value === window}
          onClick={() => setSearch({ window: value === '1h' ? '' : value })}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
