import type { Stats } from '@convos/pool/contract'
import { useState } from 'react'
import { formatDuration, formatMoment, formatNumber } from '../ui/format.ts'
import { titled } from '../ui/titled.ts'
import { rowsOf } from './series.ts'

const COLUMNS = [
  'From',
  'Ready',
  'Lowest',
  'Target',
  'Starting',
  'Claims',
  'Found empty',
  'p50',
  'p95',
  'p99',
  'Created',
  'Refill time',
]

/** What the charts show, to read. */
export function StatsTable({ stats }: { stats: Stats }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details className="disclosure" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show as a table</summary>
      {isOpen && <Rows stats={stats} />}
    </details>
  )
}

const short = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' })
const figure = (n: number | null | undefined) => (n === null || n === undefined ? '–' : formatNumber(Math.round(n * 10) / 10))
const time = (ms: number | null | undefined) => (ms === null || ms === undefined ? '–' : formatDuration(ms))

function Rows({ stats }: { stats: Stats }) {
  const rows = rowsOf(stats)
  if (rows.length === 0) return <p className="hint">Nothing was noted in this time.</p>
  return (
    <div className="stats-scroll" role="region" aria-label="History, scrollable" tabIndex={0}>
      <table className="stats" aria-label="History">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, target, instances, claims, creations }) => (
            <tr key={at}>
              <th scope="row">
                <time dateTime={at} {...titled(() => formatMoment(Date.parse(at)))}>
                  {short.format(Date.parse(at))}
                </time>
              </th>
              <td>{figure(instances?.ready)}</td>
              <td>{figure(instances?.readyMin)}</td>
              <td>{figure(target)}</td>
              <td>{figure(instances?.starting)}</td>
              <td>{figure(claims?.done)}</td>
              <td>{figure(claims?.empty)}</td>
              <td>{time(claims?.p50Ms)}</td>
              <td>{time(claims?.p95Ms)}</td>
              <td>{time(claims?.p99Ms)}</td>
              <td>{figure(creations?.created)}</td>
              <td>{time(creations?.warmUpMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
