import type { Instance } from '@convos/pool/contract'
import { memo } from 'react'
import { cellLabel } from './words.ts'

/** `drain`: a drain would take it; `replace`: a roll-out is going to. */
export type CellMark = 'drain' | 'replace'

interface RackCellProps {
  instance: Instance
  x: number
  y: number
  mark: CellMark | undefined
  isActive: boolean
  /** Where it stands among all, if it is the only one of them in the page. */
  place?: { at: number; of: number }
}

/** One instance in the rack; memoised, because there are many and few of them change. */
export const RackCell = memo(function RackCell({ instance, x, y, mark, isActive, place }: RackCellProps) {
  return (
    <div
      id={`cell-${instance.id}`}
      role="option"
      aria-selected={isActive}
      aria-label={cellLabel(instance)}
      aria-posinset={place?.at}
      aria-setsize={place?.of}
      data-id={instance.id}
      data-mark={mark}
      className={`cell status-${instance.status} cell-${instance.status}`}
      style={{ transform: `translate(${x}px, ${y}px)` }}
    />
  )
})
