import type { InstanceEvent, Status } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { actorName } from '../../activity/words.ts'
import { keysQuery } from '../../settings/queries.ts'
import { Age } from '../../ui/Age.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { sentence } from '../../ui/format.ts'
import { StatusMark } from '../../ui/StatusMark.tsx'
import { newestFirst, tell } from './timeline.ts'

/** What happened to it, the latest first. */
export function Timeline({ events }: { events: readonly InstanceEvent[] }) {
  if (events.length === 0) return <EmptyState what="Nothing has happened yet." hint="Every change of it appears here." />
  return (
    <ol className="timeline">
      {newestFirst(events).map((event) => (
        <Line key={event.id} event={event} />
      ))}
    </ol>
  )
}

function Line({ event }: { event: InstanceEvent }) {
  const { what, cause, by, move } = tell(event)
  const keys = useQuery(keysQuery).data?.keys
  return (
    <li className={move ? 'moves' : ''}>
      <span className="timeline-dot">{move && <StatusMark status={move.to} />}</span>
      <div>
        <p className="timeline-what">
          {what}
          {by !== null && (
            <>
              {' '}
              by <bdi>{actorName(by, keys)}</bdi>
            </>
          )}
        </p>
        {move && <Move from={move.from} to={move.to} />}
        {cause !== null && <p className="hint">{sentence(cause)}</p>}
      </div>
      <span className="timeline-at">
        <Age since={event.at} />
      </span>
    </li>
  )
}

const Move = ({ from, to }: { from: Status | null; to: Status }) => (
  <p className="move">
    {from !== null && (
      <>
        <span className={`status-${from}`}>{from}</span> <span aria-hidden="true">→</span>
        <span className="visually-hidden"> to </span>{' '}
      </>
    )}
    <span className={`status-${to}`}>{to}</span>
  </p>
)
