import { useQuery } from '@tanstack/react-query'
import { Age } from '../ui/Age.tsx'
import { Problem } from '../ui/Problem.tsx'
import { alertsQuery, statsQuery } from './queries.ts'
import { figuresOf } from './series.ts'

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
  const stats = useQuery(statsQuery('1h')).data
  const notedAt = stats ? figuresOf(stats).notedAt : null
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
      {stats && (
        <p className="hint">
          {notedAt === null ? (
            'Nothing was noted within the last hour.'
          ) : (
            <>
              The latest minute that was noted began <Age since={notedAt} /> ago; one is noted each minute.
            </>
          )}
        </p>
      )}
    </section>
  )
}
