import type { ReactNode } from 'react'

interface EmptyStateProps {
  what: string
  /** Why, and what to do about it. */
  hint?: ReactNode
  /** A button that does it. */
  children?: ReactNode
}

/** Where there is nothing to show. */
export const EmptyState = ({ what, hint, children }: EmptyStateProps) => (
  <div className="empty">
    <p>{what}</p>
    {hint !== undefined && <p className="hint">{hint}</p>}
    {children}
  </div>
)
