import type { Status } from '@convos/pool/contract'
import type { ReactNode } from 'react'

/** One shape per status, so that no status is told by colour alone. */
const SHAPES: Record<Status, ReactNode> = {
  ready: <circle cx="6" cy="6" r="5" />,
  starting: (
    <>
      <circle className="line" cx="6" cy="6" r="4.5" />
      <path d="M6 6V1.5A4.5 4.5 0 0 1 10.5 6z" />
    </>
  ),
  claiming: (
    <>
      <circle className="line" cx="6" cy="6" r="4.5" />
      <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" />
    </>
  ),
  claimed: (
    <>
      <circle className="line" cx="6" cy="6" r="4.5" />
      <circle cx="6" cy="6" r="2.5" />
    </>
  ),
  pending: <circle className="line dashed" cx="6" cy="6" r="4.5" />,
  crashed: <path d="M6 .8 11.6 11H.4z" />,
  stuck: <rect x="1.2" y="1.2" width="9.6" height="9.6" />,
  recycling: (
    <>
      <path className="line" d="M9.9 3.8A4.4 4.4 0 1 0 10.4 6" />
      <path d="M11.6 1v4h-4z" />
    </>
  ),
  deleting: <path className="line" d="m2 2 8 8M10 2l-8 8" />,
}

/** The shape of a status in its colour; the word stands beside it. */
export function StatusMark({ status }: { status: Status }) {
  return (
    <svg className={`mark status-${status}`} viewBox="0 0 12 12" aria-hidden="true">
      {SHAPES[status]}
    </svg>
  )
}
