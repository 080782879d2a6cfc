import { Button } from '../ui/Button.tsx'
import { Popover } from '../ui/Popover.tsx'
import { COLUMN } from './columns.tsx'
import { COLUMNS, FIRST_COLUMNS, type FleetView, moved, toggled } from './view.ts'

/** Which columns, in which order, and how high the rows are. */
export const ColumnChooser = ({ view, show }: { view: FleetView; show: (change: Partial<FleetView>) => void }) => {
  const { columns, compact } = view
  const rest = COLUMNS.filter((column) => !columns.includes(column))
  return (
    <Popover label="Columns" title="Columns" className="button columns-button">
      <ul className="column-list">
        {[...columns, ...rest].map((column) => {
          const { label } = COLUMN[column]
          const at = columns.indexOf(column)
          return (
            <li key={column}>
              <label>
                <input
                  type="checkbox"
                  checked={at >= 0}
                  // a table without a name opens nothing
                  disabled={column === 'name' && at >= 0}
                  onChange={() => show({ columns: toggled(columns, column) })}
                />
                {label}
              </label>
              {at >= 0 && (
                <>
                  <Move
                    label={`Move ${label} to the left`}
                    d="m2 8 4-4 4 4"
                    off={at === 0}
                    onMove={() => show({ columns: moved(columns, column, -1) })}
                  />
                  <Move
                    label={`Move ${label} to the right`}
                    d="m2 4 4 4 4-4"
                    off={at === columns.length - 1}
                    onMove={() => show({ columns: moved(columns, column, 1) })}
                  />
                </>
              )}
            </li>
          )
        })}
      </ul>
      <div className="column-foot">
        <label>
          <input type="checkbox" checked={compact} onChange={() => show({ compact: !compact })} />
          Compact rows
        </label>
        <Button className="compact" onClick={() => show({ columns: FIRST_COLUMNS, compact: false })}>
          As at first
        </Button>
      </div>
    </Popover>
  )
}

const Move = ({ label, d, off, onMove }: { label: string; d: string; off: boolean; onMove: () => void }) => (
  <button type="button" className="quiet icon" aria-label={label} title={label} aria-disabled={off} onClick={onMove}>
    <svg viewBox="0 0 12 12" aria-hidden="true">
      <path className="line" d={d} />
    </svg>
  </button>
)
