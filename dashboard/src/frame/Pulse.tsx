import type { Counts, Status } from '@convos/pool/contract'
import { Link } from '../router.tsx'
import { useSession } from '../session/session.tsx'
import { formatClock, formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { useTicking } from '../ui/ticking.ts'
import type { PoolNow } from './usePool.ts'

interface Figure {
  of: keyof Counts
  mark: Status
  word: string
  /** The statuses that the figure adds up, as the pool page filters them. */
  statuses: readonly Status[]
}

const FIGURES: readonly Figure[] = [
  { of: 'idle', mark: 'ready', word: 'ready', statuses: ['ready'] },
  { of: 'provisioning', mark: 'starting', word: 'starting', statuses: ['starting', 'recycling'] },
  { of: 'claimed', mark: 'claimed', word: 'claimed', statuses: ['claiming', 'pending', 'claimed'] },
  { of: 'crashed', mark: 'crashed', word: 'crashed', statuses: ['crashed'] },
  { of: 'stuck', mark: 'stuck', word: 'stuck', statuses: ['stuck'] },
]

/** Older than this, figures are not called live. */
const LIVE_MS = 5000

/** The state of the pool in one line, on every page. */
export function Pulse({ pool }: { pool: PoolNow }) {
  const linked = useSession().role === 'operator'
  return (
    <section className="pulse" aria-label="Pool now">
      <ul>
        {FIGURES.map((figure) => (
          <li key={figure.of} className={pool.counts?.[figure.of] === 0 ? 'none' : ''}>
            {linked ? (
              <Link href={`/pool?status=${figure.statuses.join(',')}`}>
                <FigureText figure={figure} pool={pool} />
              </Link>
            ) : (
              <span>
                <FigureText figure={figure} pool={pool} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {pool.counts && <Freshness pool={pool} />}
    </section>
  )
}

function FigureText({ figure, pool: { counts, target } }: { figure: Figure; pool: PoolNow }) {
  return (
    <>
      <StatusMark status={figure.mark} /> <b>{counts ? formatNumber(counts[figure.of]) : '–'}</b> {figure.word}
      {figure.of === 'idle' && target !== null && ` of ${formatNumber(target)}`}
    </>
  )
}

function Freshness({ pool: { error, updatedAt } }: { pool: PoolNow }) {
  const old = useTicking((now) => now - updatedAt > LIVE_MS)
  if (!error && !old) return <span className="fresh">live</span>
  return <span className="stale">as of {formatClock(updatedAt)}</span>
}
