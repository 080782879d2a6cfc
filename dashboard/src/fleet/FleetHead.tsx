import type { Instance } from '@convos/pool/contract'
import type { Dispatch, SetStateAction } from 'react'
import { HeaderCell, type SortOrder } from '../ui/HeaderCell.tsx'
import { COLUMN } from './columns.tsx'
import { type Chosen, chosenFrom } from './chosen.ts'
import type { Column, FleetView } from './view.ts'

interface FleetHeadProps {
  view: FleetView
  show: (change: Partial<FleetView>) => void
  narrow: boolean
  rows: readonly Instance[]
  chosen: Chosen
  setChosen: Dispatch<SetStateAction<Chosen>>
}

const flipped = (order: SortOrder): SortOrder => (order === 'asc' ? 'desc' : 'asc')

/** Names of the columns, sorting, and a box that selects all that is loaded. */
export function FleetHead({ view, show, narrow, rows, chosen, setChosen }: FleetHeadProps) {
  const count = rows.filter(({ id }) => chosen[id]).length
  const whole = rows.length > 0 && count === rows.length
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col" className="pick">
          <label>
            <input
              type="checkbox"
              aria-label="Select all that are loaded"
              checked={whole}
              ref={(box) => {
                if (box) box.indeterminate = count > 0 && !whole
              }}
              onChange={() => setChosen(whole ? {} : chosenFrom(rows.map(({ id }) => id)))}
            />
          </label>
        </th>
        {narrow ? (
          <HeaderCell>Instance</HeaderCell>
        ) : (
          view.columns.map((column) => <Head key={column} column={column} view={view} show={show} />)
        )}
      </tr>
    </thead>
  )
}

function Head({ column, view, show }: { column: Column } & Pick<FleetHeadProps, 'view' | 'show'>) {
  const { label, sort, inverted = false, number = false } = COLUMN[column]
  const className = number ? 'number' : ''
  if (sort === undefined) return <HeaderCell className={className}>{label}</HeaderCell>
  const sorted = view.sort === sort
  const shown = inverted ? flipped(view.order) : view.order
  const first: SortOrder = inverted ? 'desc' : 'asc'
  return (
    <HeaderCell
      className={className}
      sorted={sorted ? shown : null}
      onSort={() => show({ sort, order: sorted ? flipped(view.order) : first })}
    >
      {label}
    </HeaderCell>
  )
}

/** The widths of the columns; those without one share the rest. */
export const ColumnWidths = ({ columns, narrow }: { columns: readonly Column[]; narrow: boolean }) => (
  <colgroup>
    <col className="pick-width" />
    {narrow ? <col /> : columns.map((column) => <col key={column} style={{ width: COLUMN[column].width }} />)}
  </colgroup>
)
