import type { Counts, Status } from '@convos/pool/contract'
import { Link } from '@tanstack/react-router'
import { formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'

const PARTS: readonly { of: keyof Counts; status: Status; word: string; statuses: string }[] = [
  { of: 'provisioning', status: 'starting', word: 'starting', statuses: 'starting,recycling' },
  { of: 'idle', status: 'ready', word: 'ready', statuses: 'ready' },
  { of: 'claimed', status: 'claimed', word: 'claimed', statuses: 'claiming,pending,claimed' },
  { of: 'crashed', status: 'crashed', word: 'crashed', statuses: 'crashed' },
  { of: 'stuck', status: 'stuck', word: 'stuck', statuses: 'stuck' },
]

/** More instances than can be told apart, as one bar. */
export const RackBar = ({ counts }: { counts: Counts }) => (
  <div className="stack">
    <div className="rack-bar" aria-hidden="true">
      {PARTS.map(({ of, status }) => (
        <span key={of} className={`cell-${status} status-${status}`} style={{ flexGrow: counts[of] }} />
      ))}
    </div>
    <ul className="rack-legend" aria-label="Instances by status">
      {PARTS.map(({ of, status, word, statuses }) => (
        <li key={of}>
          <Link to="/instances" search={{ status: statuses }} className="rack-head">
            <StatusMark status={status} /> <span>{word}</span> <b>{formatNumber(counts[of])}</b>
          </Link>
        </li>
      ))}
    </ul>
    <p className="hint">
      There are too many to draw each. <Link to="/instances">Fleet lists them all.</Link>
    </p>
  </div>
)
