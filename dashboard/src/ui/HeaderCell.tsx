import type { ReactNode } from 'react'

export type SortOrder = 'asc' | 'desc'

interface HeaderCellProps {
  children: ReactNode
  /** How the table is sorted by this column; null: not by this one. Without it the column does not sort. */
  sorted?: SortOrder | null
  onSort?: () => void
  className?: string
}

const ARIA: Record<SortOrder, 'ascending' | 'descending'> = { asc: 'ascending', desc: 'descending' }

/** The head of a table's column. */
export const HeaderCell = ({ children, sorted, onSort, className }: HeaderCellProps) => (
  <th scope="col" className={className} {...(sorted ? { 'aria-sort': ARIA[sorted] } : {})}>
    {onSort === undefined ? (
      children
    ) : (
      <button type="button" className="sort" onClick={onSort}>
        {children}
        <svg className={`sort-mark ${sorted ?? ''}`} viewBox="0 0 8 8" aria-hidden="true">
          <path d="M1 5.5 4 2l3 3.5z" />
        </svg>
      </button>
    )}
  </th>
)
