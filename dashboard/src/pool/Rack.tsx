import type { Instance, PoolStatus } from '@convos/pool/contract'
import { Link, useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, type MouseEvent, useId, useMemo, useState } from 'react'
import { formatNumber, plural } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { byText, type Cell, cellAfter, cellAt, layOut, type RackLayout, roomFor } from './rack.ts'
import { RackCell, type CellMark } from './RackCell.tsx'
import { RackDrawing } from './RackDrawing.tsx'
import { RackTip } from './RackTip.tsx'
import { useWidth } from './useWidth.ts'

const USUAL_WIDTH = 960

interface RackProps {
  instances: readonly Instance[]
  /** What is to become of some of them. */
  marks: ReadonlyMap<string, CellMark>
}

/** Every instance as a cell, in the column of its status; a cell moves as its instance lives. */
export function Rack(props: RackProps) {
  const [measured, width] = useWidth(USUAL_WIDTH)
  // without cells first: to lay thousands of them out twice is felt
  return <div ref={measured}>{width !== null && <Cells {...props} width={width} />}</div>
}

/** As much room as the rack will take, before there is anything to put into it. */
export function RackWaiting({ byStatus }: Pick<PoolStatus, 'byStatus'>) {
  const [measured, width] = useWidth(USUAL_WIDTH)
  return <div ref={measured} aria-busy="true" style={{ height: roomFor(byStatus, width ?? USUAL_WIDTH).height }} />
}

function Cells({ instances, marks, width }: RackProps & { width: number }) {
  const layout = useMemo(() => layOut(instances, width), [instances, width])
  const { look, active, ...handlers } = useLook(layout)
  const hintId = useId()
  return (
    <div className={`rack rack-${layout.size}`} style={{ height: layout.height }}>
      <ul className="rack-heads" aria-label="Instances by status">
        {layout.columns.map(({ status, count, x, y, width: across }) => (
          <li
            key={status}
            className={count === 0 ? 'none' : ''}
            style={{ transform: `translate(${x}px, ${y}px)`, width: across }}
          >
            <Link to="/instances" search={{ status }} className="rack-head">
              <StatusMark status={status} /> <span>{status}</span> <b>{formatNumber(count)}</b>
            </Link>
          </li>
        ))}
      </ul>
      <p id={hintId} className="visually-hidden">
        Arrow keys go from instance to instance, Enter opens one.
      </p>
      {layout.cells.length > 0 && (
        <div
          className="rack-cells"
          role="listbox"
          tabIndex={0}
          aria-label={plural(instances.length, 'instance')}
          aria-describedby={hintId}
          {...(active ? { 'aria-activedescendant': `cell-${active.instance.id}` } : {})}
          {...handlers}
        >
          {layout.size === 'small' ? (
            <Crowd layout={layout} marks={marks} active={active} />
          ) : (
            <Each layout={layout} marks={marks} active={active} />
          )}
        </div>
      )}
      {look && <RackTip cell={look} width={layout.width} mark={marks.get(look.instance.id)} />}
    </div>
  )
}

interface Shown {
  layout: RackLayout
  marks: RackProps['marks']
  active: Cell | null
}

/** Every cell an element, which glides from column to column. */
function Each({ layout, marks, active }: Shown) {
  // what stands in the page keeps its place there: an element that is moved within it would not glide
  const drawn = useMemo(() => layout.cells.toSorted((a, b) => byText(a.instance.id, b.instance.id)), [layout])
  return drawn.map(({ instance, x, y }) => (
    <RackCell
      key={instance.id}
      instance={instance}
      x={x}
      y={y}
      mark={marks.get(instance.id)}
      isActive={instance.id === active?.instance.id}
    />
  ))
}

/** All of them drawn; an element is the one that the keyboard is at. */
function Crowd({ layout, marks, active }: Shown) {
  const cell = active ?? layout.cells[0]
  return (
    <>
      <RackDrawing layout={layout} marks={marks} />
      {cell && (
        <RackCell
          {...cell}
          mark={marks.get(cell.instance.id)}
          isActive={cell === active}
          place={{ at: layout.cells.indexOf(cell) + 1, of: layout.cells.length }}
        />
      )}
    </>
  )
}

/** Which cell is looked at, by pointer or keyboard, and how one is opened. */
function useLook(layout: RackLayout) {
  const { cells } = layout
  const navigate = useNavigate()
  const [hovered, setHovered] = useState<string | null>(null)
  const [focused, setFocused] = useState<string | null>(null)
  const [hasFocus, setHasFocus] = useState(false)
  const find = (id: string | null) => cells.find(({ instance }) => instance.id === id) ?? null
  const active = hasFocus ? (find(focused) ?? cells[0] ?? null) : null
  const idAt = ({ target, currentTarget, clientX, clientY }: MouseEvent): string | null => {
    const given = (target as Element).closest<HTMLElement>('[data-id]')?.dataset['id']
    if (given !== undefined) return given
    const { left, top } = currentTarget.getBoundingClientRect()
    return cellAt(layout, clientX - left, clientY - top)?.instance.id ?? null
  }
  const openPanel = (id: string | null) => id !== null && void navigate({ to: '/instances', search: { open: id } })
  return {
    active,
    look: find(hovered) ?? active,
    onFocus: () => setHasFocus(true),
    onBlur: () => setHasFocus(false),
    onPointerMove: (event: MouseEvent) => setHovered(idAt(event)),
    onPointerLeave: () => setHovered(null),
    onClick: (event: MouseEvent) => openPanel(idAt(event)),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === 'Enter' || event.key === ' ') openPanel(active?.instance.id ?? null)
      else {
        const next = cellAfter(cells, active?.instance.id ?? null, event.key)
        if (!next) return
        setHovered(null)
        setFocused(next.instance.id)
      }
      event.preventDefault()
    },
  }
}
