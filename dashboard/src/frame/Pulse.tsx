import type { Counts, Status } from '@convos/pool/contract'
import { Link } from '@tanstack/react-router'
import { useSession } from '../session/session.ts'
import { formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { LiveMark } from './LiveMark.tsx'
import { usePool } from './usePool.ts'

interface Figure {
  of: keyof Counts
  mark: Status
  word: string
  /** The statuses that the figure adds up, as the fleet filters them. */
  statuses: readonly Status[]
}

const FIGURES: readonly Figure[] = [
  { of: 'idle', mark: 'ready', word: 'ready', statuses: ['ready'] },
  { of: 'provisioning', mark: 'starting', word: 'starting', statuses: ['starting', 'recycling'] },
  { of: 'claimed', mark: 'claimed', word: 'claimed', statuses: ['claiming', 'pending', 'claimed'] },
  { of: 'crashed', mark: 'crashed', word: 'crashed', statuses: ['crashed'] },
  { of: 'stuck', mark: 'stuck', word: 'stuck', statuses: ['stuck'] },
]

/** The state of the pool in one line, on every page. */
export function Pulse() {
  const pool = usePool()
  const linked = useSession().role === 'operator'
  return (
    <section className="pulse" aria-label="Pool now">
      <ul>
        {FIGURES.map((figure) => (
          <li key={figure.of} className={pool.counts?.[figure.of] === 0 ? 'none' : ''}>
            {linked ? (
              <Link to="/instances" search={{ status: figure.statuses.join(',') }} activeProps={{ className: '' }}>
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
      <LiveMark />
    </section>
  )
}

function FigureText({ figure, pool: { counts, target } }: { figure: Figure; pool: ReturnType<typeof usePool> }) {
  return (
    <>
      <StatusMark status={figure.mark} /> <b>{counts ? formatNumber(counts[figure.of]) : '–'}</b> {figure.word}
      {figure.of === 'idle' && target !== null && ` of ${formatNumber(target)}`}
    </>
  )
}
