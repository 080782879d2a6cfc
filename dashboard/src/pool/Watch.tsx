import { useQuery } from '@tanstack/react-query'
import { Age } from '../ui/Age.tsx'
import { Problem } from '../ui/Problem.tsx'
import { formatAge } from '../ui/format.ts'
import { alertsQuery, tickQuery } from './queries.ts'

const WORDS: Record<string, string> = {
  POOL_EMPTY: 'Nothing is ready',
  BREAKER_OPEN: 'A breaker is open',
  CAP_REACHED: 'The cap is reached',
  TICK_LATE: 'Nobody looks after the fleet',
  DELETIONS_STUCK: 'Deletions do not end',
  CREDIT_LOW: 'Credit is low',
  SERVICES_UNREACHABLE: 'Services does not answer',
}

/** What fires now, and whether the pool is looked after. */
export function Watch() {
  const { data, error } = useQuery(alertsQuery)
  return (
    <section className="panel stack" aria-label="Watch">
      <h2 className="panel-title">Watch</h2>
      {error && <Problem error={error} />}
      {data?.firing.length === 0 && <p className="text-s">No alert fires.</p>}
      {data && data.firing.length > 0 && (
        <ul className="alerts">
          {data.firing.map(({ code, detail, since }) => (
            <li key={code} className="alert">
              <p className="alert-what">
                <span aria-hidden="true">▲</span> {WORDS[code] ?? code}, for <Age since={since} />
              </p>
              <p className="hint">{detail}</p>
            </li>
          ))}
        </ul>
      )}
      {data?.resolved[0] && (
        <p className="hint">
          The last one, {(WORDS[data.resolved[0].code] ?? data.resolved[0].code).toLowerCase()}, ended{' '}
          <Age since={data.resolved[0].resolvedAt ?? data.resolved[0].since} /> ago.
        </p>
      )}
      <Tick />
    </section>
  )
}

const LATE_TICKS = 3

/** Who looks after the fleet, and when they last did. */
function Tick() {
  const { data } = useQuery(tickQuery)
  if (!data) return null
  const { holder, tickedAt, ageMs, everyMs } = data
  const isLate = holder === null || ageMs === null || ageMs > LATE_TICKS * everyMs
  return (
    <p className={isLate ? 'hint bad' : 'hint'}>
      {tickedAt === null ? (
        'The fleet was never looked at as a whole.'
      ) : (
        <>
          All of the fleet was looked at <Age since={tickedAt} /> ago; it is due every {formatAge(everyMs)}.
        </>
      )}{' '}
      {holder === null ? (
        'No replica holds the lease for it.'
      ) : (
        <>
          Replica <code title={holder}>{holder.slice(0, 8)}</code> holds the lease.
        </>
      )}
    </p>
  )
}
