import type { Instance } from '@convos/pool/contract'
import { FlexRender, type Row } from '@tanstack/react-table'
import { type Dispatch, memo, type SetStateAction } from 'react'
import { type Chosen, withToggled } from './chosen.ts'
import { COLUMN, type columnsFor, type features } from './columns.tsx'
import type { Column } from './view.ts'
import { nameOf } from './words.ts'

interface FleetRowProps {
  row: Row<typeof features, Instance>
  /** Drawn anew when these change. */
  columns: ReturnType<typeof columnsFor>
  index: number
  chosen: boolean
  active: boolean
  open: boolean
  setChosen: Dispatch<SetStateAction<Chosen>>
}

const isNumber = (id: string) => id !== 'phone' && COLUMN[id as Column].number

/** One instance; drawn anew only when it changed, for scrolling draws the table sixty times a second. */
export const FleetRow = memo(
  function FleetRow({ row, index, chosen, active, open, setChosen }: FleetRowProps) {
    return (
      <tr
        aria-rowindex={index + 2}
        className={`${active ? 'active' : ''} ${chosen ? 'chosen' : ''}`}
        aria-current={open || undefined}
        data-id={row.id}
      >
        <td className="pick">
          <label>
            <input
              type="checkbox"
              aria-label={`Select ${nameOf(row.original)}`}
              checked={chosen}
              onChange={() => setChosen((all) => withToggled(all, row.id))}
            />
          </label>
        </td>
        {row.getAllCells().map((cell) => (
          <td key={cell.id} className={isNumber(cell.column.id) ? 'number' : undefined}>
            <FlexRender cell={cell} />
          </td>
        ))}
      </tr>
    )
  },
  (a, b) =>
    a.row.original === b.row.original &&
    a.columns === b.columns &&
    a.index === b.index &&
    a.chosen === b.chosen &&
    a.active === b.active &&
    a.open === b.open,
)
