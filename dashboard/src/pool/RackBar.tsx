import type { PoolStatus } from '@convos/pool/contract'
import { Link } from '@tanstack/react-router'
import { formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { COLUMNS } from './rack.ts'

/** More instances than can be told apart, as one bar. */
export const RackBar = ({ byStatus }: Pick<PoolStatus, 'byStatus'>) => (
  <div className="stack">
    <div className="rack-bar" aria-hidden="true">
      {COLUMNS.map((status) => (
        <span key={status} className={`cell-${status} status-${status}`} style={{ flexGrow: byStatus[status] ?? 0 }} />
      ))}
    </div>
    <ul className="rack-legend" aria-label="Instances by status">
      {COLUMNS.map((status) => (
        <li key={status} className={byStatus[status] ? '' : 'none'}>
          <Link to="/instances" search={{ status }} className="rack-head">
            <StatusMark status={status} /> <span>{status}</span> <b>{formatNumber(byStatus[status] ?? 0)}</b>
          </Link>
        </li>
      ))}
    </ul>
    <p className="hint">
      There are too many to draw each. <Link to="/instances">Fleet lists them all.</Link>
    </p>
  </div>
)
