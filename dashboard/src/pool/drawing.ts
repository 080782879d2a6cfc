import type { Status } from '@convos/pool/contract'
import type { Cell } from './rack.ts'
import type { CellMark } from './RackCell.tsx'

/** The line of a small cell, 8 px wide, in the middle of its outermost pixel. */
const line = ({ x, y }: Cell) => `M${x + 0.5} ${y + 0.5}h7v7h-7z`
/** Drawn over the cell it takes its upper half out of what is filled. */
const upperHalf = ({ x, y }: Cell) => `M${x + 0.5} ${y + 0.5}h7v3.5h-7z`
const around = ({ x, y }: Cell) => `M${x - 0.5} ${y - 0.5}h9v9h-9z`

const HALF_FULL: readonly Status[] = ['starting', 'recycling']

/** Small cells as paths: all of a status in one, and around those with a mark another. */
export function drawCells(
  cells: readonly Cell[],
  marks: ReadonlyMap<string, CellMark>,
): { byStatus: Map<Status, string>; byMark: Map<CellMark, string> } {
  const byStatus = new Map<Status, string>()
  const byMark = new Map<CellMark, string>()
  for (const cell of cells) {
    const { id, status } = cell.instance
    const mark = marks.get(id)
    const path = HALF_FULL.includes(status) ? line(cell) + upperHalf(cell) : line(cell)
    byStatus.set(status, (byStatus.get(status) ?? '') + path)
    if (mark) byMark.set(mark, (byMark.get(mark) ?? '') + around(cell))
  }
  return { byStatus, byMark }
}
