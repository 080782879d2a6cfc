import { useQuery } from '@tanstack/react-query'
import { STATUSES } from '@convos/pool/contract'
import { statusQuery } from '../api/queries.ts'
import { formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { useUrlText } from '../ui/useUrlText.ts'
import { ColumnChooser } from './ColumnChooser.tsx'
import { TemplateName } from './TemplateName.tsx'
import { type FleetView, toggled } from './view.ts'

export const SEARCH_ID = 'fleet-search'

interface FleetBarProps {
  view: FleetView
  show: (change: Partial<FleetView>) => void
  /** How many rows are loaded; null until the first answer. */
  shown: number | null
  more: boolean
}

/** What is listed, and how: statuses with their counts, search, columns. */
export function FleetBar({ view, show, shown, more }: FleetBarProps) {
  const { data } = useQuery(statusQuery)
  const [text, setText] = useUrlText('q')
  const counts = data && Object.fromEntries(STATUSES.map((status) => [status, data.byStatus[status] ?? 0]))
  return (
    <div className="fleet-bar">
      <div className="chips" role="group" aria-label="Filter by status">
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            className={counts?.[status] === 0 ? 'chip none' : 'chip'}
            aria-pressed={view.statuses.includes(status)}
            onClick={() => show({ statuses: toggled(view.statuses, status) })}
          >
            <StatusMark status={status} /> {status}
            <b className="chip-count">{counts?.[status] === undefined ? '' : formatNumber(counts[status])}</b>
          </button>
        ))}
      </div>
      <div className="fleet-tools">
        <input
          id={SEARCH_ID}
          type="search"
          aria-label="Search instances"
          placeholder="Name or id"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <ColumnChooser view={view} show={show} />
        <p className="fleet-count" role="status">
          {shown === null ? '' : `${formatNumber(shown)}${more ? '+' : ''} shown`}
        </p>
      </div>
      <Only view={view} show={show} />
    </div>
  )
}

const NARROWED = ['template', 'owner', 'image'] as const

/** What else the list is narrowed to; each can be taken away. */
function Only({ view, show }: Pick<FleetBarProps, 'view' | 'show'>) {
  const set = NARROWED.filter((name) => view[name] !== '')
  if (set.length === 0) return null
  return (
    <ul className="chips only" aria-label="Narrowed to">
      {set.map((name) => (
        <li key={name}>
          <button type="button" className="chip" aria-label={`Any ${name}`} onClick={() => show({ [name]: '' })}>
            {name}: <b>{name === 'template' ? <TemplateName id={view.template} /> : <bdi>{view[name]}</bdi>}</b>
            <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
