import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { keysQuery } from '../settings/queries.ts'
import { formatMoment } from '../ui/format.ts'
import { Select } from '../ui/Select.tsx'
import { FilterForm } from './FilterForm.tsx'
import { TypeChooser } from './TypeChooser.tsx'
import { chosenOf, GROUP_NAMES, withGroup } from './types.ts'
import { NARROWED, type ShownView, type Span } from './view.ts'
import { actorName } from './words.ts'

const SPAN_NAMES: readonly { value: Span | ''; label: string }[] = [
  { value: '', label: 'Any time' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
]

/** Which events are shown. */
export const LogBar = ({ view, show, children }: ShownView & { children: ReactNode }) => (
  <div className="log-bar">
    <div className="chips" role="group" aria-label="Filter by kind">
      {GROUP_NAMES.map((group) => (
        <button
          key={group}
          type="button"
          className="chip"
          aria-pressed={chosenOf(group, view.types) === 'all'}
          onClick={() => show({ types: withGroup(view.types, group) })}
        >
          {group}
        </button>
      ))}
      <TypeChooser view={view} show={show} />
    </div>
    <div className="log-tools">
      <TimeSpan view={view} show={show} />
      <FilterForm view={view} show={show} />
      {children}
    </div>
    <Only view={view} show={show} />
  </div>
)

function TimeSpan({ view: { span, from, to }, show }: ShownView) {
  const isRange = from !== '' || to !== ''
  const options = isRange ? [...SPAN_NAMES, { value: 'range' as const, label: 'From … to …' }] : SPAN_NAMES
  return (
    <Select
      label="Time"
      value={isRange ? 'range' : span}
      onChange={(value) => value !== 'range' && show({ span: value })}
      options={options}
    />
  )
}

const LABELS = { actor: 'Who', instance: 'Instance', claim: 'Claim', request: 'Request' } as const
const RANGE = { from: 'From', to: 'To' } as const

/** What else it is narrowed to; each can be taken away. */
function Only({ view, show }: ShownView) {
  const keys = useQuery(keysQuery).data?.keys
  const texts = NARROWED.filter((name) => view[name] !== '')
  const range = (['from', 'to'] as const).filter((name) => view[name] !== '')
  if (texts.length + range.length === 0) return null
  return (
    <ul className="chips log-only" aria-label="Narrowed to">
      {texts.map((name) => (
        <li key={name}>
          <button type="button" className="chip" aria-label={`Any ${name}`} onClick={() => show({ [name]: '' })}>
            {LABELS[name]}: <bdi>{name === 'actor' ? actorName(view.actor, keys) : view[name]}</bdi>
            <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
      {range.map((name) => (
        <li key={name}>
          <button type="button" className="chip" aria-label={`Any ${name}`} onClick={() => show({ [name]: '' })}>
            {RANGE[name]}: <bdi>{formatMoment(Date.parse(view[name]))}</bdi>
            <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
