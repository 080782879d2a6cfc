import { Age } from '../ui/Age.tsx'
import { StatusMark } from '../ui/StatusMark.tsx'
import { type Cell } from './rack.ts'
import type { CellMark } from './RackCell.tsx'
import { imageName } from './words.ts'

const WIDTH = 260

const MARKS: Record<CellMark, string> = { drain: 'would be drained', replace: 'to be replaced' }

interface RackTipProps {
  cell: Cell
  /** Of the rack, which it stays within. */
  width: number
  mark: CellMark | undefined
}

/** What the cell that is looked at is. */
export function RackTip({ cell: { instance, x, y }, width, mark }: RackTipProps) {
  const { id, agentName, status, createdAt, image, statusReason } = instance
  const left = Math.max(0, Math.min(x - 8, width - WIDTH))
  return (
    <div
      className="rack-tip"
      aria-hidden="true"
      style={{ transform: `translate(${left}px, calc(${y - 8}px - 100%))`, width: WIDTH }}
    >
      <p className={`status status-${status}`}>
        <StatusMark status={status} /> {status} <code>{id}</code>
      </p>
      {agentName !== null && (
        <p className="rack-tip-name">
          <bdi>{agentName}</bdi>
        </p>
      )}
      <p>
        <Age since={createdAt} /> old · image <code>{imageName(image)}</code>
      </p>
      {mark && <p>{MARKS[mark]}</p>}
      {statusReason !== null && <p className="rack-tip-name">{statusReason}</p>}
    </div>
  )
}
