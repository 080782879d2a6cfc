import { memo, useMemo } from 'react'
import { drawCells } from './drawing.ts'
import type { RackLayout } from './rack.ts'
import type { CellMark } from './RackCell.tsx'

interface RackDrawingProps {
  layout: RackLayout
  marks: ReadonlyMap<string, CellMark>
}

/** Thousands of cells as one path for each look of theirs: as elements of their own they take a phone two seconds. */
export const RackDrawing = memo(function RackDrawing({ layout: { cells, width, height }, marks }: RackDrawingProps) {
  const { byStatus, byMark } = useMemo(() => drawCells(cells, marks), [cells, marks])
  return (
    <svg className="rack-drawing" width={width} height={height} aria-hidden="true">
      {[...byStatus].map(([status, path]) => (
        <path key={status} className={`drawn-${status} status-${status}`} d={path} />
      ))}
      {[...byMark].map(([mark, path]) => (
        <path key={mark} data-mark={mark} d={path} />
      ))}
    </svg>
  )
})
