import type { Instance } from '@convos/pool/contract'
import { Link, useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, type MouseEvent, type PointerEvent, useId, useMemo, useState } from 'react'
import { formatNumber, plural } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { type Cell, cellAfter, layOut } from './rack.ts'
import { RackCell, type CellMark } from './RackCell.tsx'
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

function Cells({ instances, marks, width }: RackProps & { width: number }) {
  const layout = useMemo(() => layOut(instances, width), [instances, width])
  // what stands in the page keeps its place there: an element that is moved within it would not glide
  const drawn = useMemo(() => layout.cells.toSorted((a, b) => (a.instance.id < b.instance.id ? -1 : 1)), [layout])
  const { look, active, ...handlers } = useLook(layout.cells)
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
          {drawn.map(({ instance, x, y }) => (
            <RackCell
              key={instance.id}
              instance={instance}
              x={x}
              y={y}
              mark={marks.get(instance.id)}
              isActive={instance.id === active?.instance.id}
            />
          ))}
        </div>
      )}
      {look && <RackTip cell={look} width={layout.width} mark={marks.get(look.instance.id)} />}
    </div>
  )
}

const idAt = ({ target }: { target: EventTarget }): string | null =>
  (target as Element).closest<HTMLElement>('[data-id]')?.dataset['id'] ?? null

/** Which cell is looked at, by pointer or keyboard, and how one is opened. */
function useLook(cells: readonly Cell[]) {
  const navigate = useNavigate()
  const [hovered, setHovered] = useState<string | null>(null)
  const [focused, setFocused] = useState<string | null>(null)
  const [hasFocus, setHasFocus] = useState(false)
  const find = (id: string | null) => cells.find(({ instance }) => instance.id === id) ?? null
  const active = hasFocus ? (find(focused) ?? cells[0] ?? null) : null
  const openPanel = (id: string | null) => id !== null && void navigate({ to: '/instances', search: { open: id } })
  return {
    active,
    look: find(hovered) ?? active,
    onFocus: () => setHasFocus(true),
    onBlur: () => setHasFocus(false),
    onPointerMove: (event: PointerEvent) => setHovered(idAt(event)),
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
