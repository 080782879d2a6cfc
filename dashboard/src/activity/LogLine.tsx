import type { InstanceEvent } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { memo, type Ref } from 'react'
import { keysQuery } from '../settings/queries.ts'
import { Age } from '../ui/Age.tsx'
import { StatusMark } from '../ui/StatusMark.tsx'
import { LogDetails } from './LogDetails.tsx'
import type { Names } from './useInstanceNames.ts'
import type { LogView } from './view.ts'
import { actorName, say } from './words.ts'

interface LogLineProps {
  ref: Ref<HTMLLIElement>
  event: InstanceEvent
  index: number
  /** How many lines there are; -1: not known. */
  count: number
  names: Names
  open: boolean
  onToggle: (id: string) => void
  show: (change: Partial<LogView>) => void
}

/** One event in a line; more of it below when it is open. */
export const LogLine = memo(
  function LogLine({ ref, event, index, count, names, open, onToggle, show }: LogLineProps) {
    const keys = useQuery(keysQuery).data?.keys
    const { id, at, instanceId, actor } = event
    const { what, cause, move } = say(event)
    const name = instanceId === null ? undefined : names[instanceId]
    return (
      <li
        ref={ref}
        data-index={index}
        className={open ? 'log-line open' : 'log-line'}
        aria-posinset={index + 1}
        aria-setsize={count}
      >
        <div className="log-row">
          <button type="button" className="log-open" data-line={id} aria-expanded={open} onClick={() => onToggle(id)}>
            <svg className="log-turn" viewBox="0 0 8 8" aria-hidden="true">
              <path className="line" d="m2.5 1.5 3 2.5-3 2.5" />
            </svg>
            <span className="log-at">
              <Age since={at} />
            </span>
            <span className="log-mark">{move && <StatusMark status={move.to} />}</span>
            <span className="log-what">
              <b>{what}</b>
              {cause !== null && <span className="log-cause"> {cause}</span>}
            </span>
          </button>
          <span className="log-who">{actor !== 'pool' && <bdi>{actorName(actor, keys)}</bdi>}</span>
          <span className="log-instance">
            {instanceId !== null && (
              <Link to="/instances" search={{ open: instanceId }} title={instanceId}>
                {name === undefined ? <code>{instanceId}</code> : <bdi>{name}</bdi>}
              </Link>
            )}
          </span>
        </div>
        {open && <LogDetails event={event} name={name} by={actorName(actor, keys)} show={show} />}
      </li>
    )
  },
  // what is done with it is the same, whoever passes it
  (a, b) =>
    a.event === b.event &&
    a.index === b.index &&
    a.count === b.count &&
    a.open === b.open &&
    a.names === b.names &&
    a.onToggle === b.onToggle,
)
