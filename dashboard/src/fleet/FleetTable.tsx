import type { Instance } from '@convos/pool/contract'
import { useTable } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type Dispatch, type SetStateAction, type MouseEvent, useEffect, useMemo, useRef } from 'react'
import { Skeleton } from '../ui/Skeleton.tsx'
import { columnsFor, features } from './columns.tsx'
import type { Chosen } from './chosen.ts'
import { FleetHead, ColumnWidths } from './FleetHead.tsx'
import { FleetRow } from './FleetRow.tsx'
import { useNarrow } from './useNarrow.ts'
import type { FleetView } from './view.ts'

const ROW = 36
const COMPACT_ROW = 28
const PHONE_ROW = 60
const WAITING_ROWS = 12
/** The next page is asked for when so few rows are left below. */
const AHEAD = 60
const NOTHING: Instance[] = []

interface FleetTableProps {
  /** Null until the first answer. */
  rows: Instance[] | null
  view: FleetView
  show: (change: Partial<FleetView>) => void
  chosen: Chosen
  setChosen: Dispatch<SetStateAction<Chosen>>
  /** The row that the keyboard is at, or whose panel is open. */
  active: string | null
  /** The rows are those of the filter before. */
  old: boolean
  more: boolean
  /** Null while that would do nothing. */
  fetchMore: (() => unknown) | null
}

/** The instances as a table of which only the rows in sight exist. */
export function FleetTable({ rows, view, show, chosen, setChosen, active, old, more, fetchMore }: FleetTableProps) {
  const narrow = useNarrow()
  const scroller = useRef<HTMLDivElement>(null)
  const columns = useMemo(() => columnsFor(view.columns, narrow), [view.columns, narrow])
  const table = useTable({
    features,
    columns,
    data: rows ?? NOTHING,
    getRowId: ({ id }) => id,
    state: { rowSelection: chosen },
    onRowSelectionChange: setChosen,
  })
  const model = table.getRowModel().rows
  const height = narrow ? PHONE_ROW : view.compact ? COMPACT_ROW : ROW
  const count = rows === null ? WAITING_ROWS : model.length + (more ? WAITING_ROWS : 0)
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
    scrollPaddingStart: ROW,
  })
  useEffect(() => virtual.measure(), [virtual, height])

  const items = virtual.getVirtualItems()
  const lowest = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (more && rows !== null && lowest >= rows.length - AHEAD) fetchMore?.()
  }, [more, rows, lowest, fetchMore])

  const at = active === null ? -1 : (rows?.findIndex(({ id }) => id === active) ?? -1)
  const follow = useRef(active)
  useEffect(() => {
    if (active === null || at < 0 || follow.current === active) return
    follow.current = active
    virtual.scrollToIndex(at)
    // the row may only exist after that
    requestAnimationFrame(() => {
      const link = scroller.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(active)}"]`)
      if (document.activeElement === document.body || scroller.current?.contains(document.activeElement))
        link?.focus({ preventScroll: true })
    })
  }, [active, at, virtual])

  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const width = columns.length + 1
  return (
    <div ref={scroller} className="fleet-scroll" role="region" aria-label="Instances, scrollable" tabIndex={-1}>
      <table
        className={`fleet-table${view.compact ? ' compact' : ''}${narrow ? ' narrow' : ''}`}
        aria-label="Instances"
        aria-busy={rows === null || old}
        onClick={(event) => {
          const id = pressedRow(event)
          if (id === null) return
          event.preventDefault()
          show({ open: id })
        }}
        aria-rowcount={more || rows === null ? -1 : model.length + 1}
      >
        <ColumnWidths columns={view.columns} narrow={narrow} />
        <FleetHead view={view} show={show} narrow={narrow} rows={rows ?? NOTHING} chosen={chosen} setChosen={setChosen} />
        <tbody>
          <Space height={above} width={width} />
          {items.map(({ index }) => {
            const row = rows === null ? undefined : model[index]
            if (!row) return <WaitingRow key={`waiting-${index}`} width={width} />
            return (
              <FleetRow
                key={row.id}
                row={row}
                columns={columns}
                index={index}
                chosen={Boolean(chosen[row.id])}
                active={row.id === active}
                open={row.id === view.open}
                setChosen={setChosen}
              />
            )
          })}
          <Space height={below} width={width} />
        </tbody>
      </table>
    </div>
  )
}

/** Whose row was pressed to open it; null: something in it was, a text was selected, or a new tab was asked for. */
function pressedRow({ target, metaKey, ctrlKey, shiftKey }: MouseEvent): string | null {
  if (!(target instanceof Element) || metaKey || ctrlKey || shiftKey) return null
  if (target.closest('input, label, button') || window.getSelection()?.isCollapsed === false) return null
  return target.closest<HTMLElement>('tbody tr[data-id]')?.dataset['id'] ?? null
}

/** Stands for the rows out of sight. */
const Space = ({ height, width }: { height: number; width: number }) =>
  height > 0 && (
    <tr aria-hidden="true" className="space">
      <td colSpan={width} style={{ height }} />
    </tr>
  )

const WaitingRow = ({ width }: { width: number }) => (
  <tr aria-hidden="true">
    {Array.from({ length: width }, (_, at) => (
      <td key={at}>{at > 0 && <Skeleton />}</td>
    ))}
  </tr>
)
