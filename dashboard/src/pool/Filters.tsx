import { type Status, STATUSES } from '@convos/pool/contract'
import { formatNumber } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { useSetSearch, useUrlText } from '../ui/useUrlText.ts'
import { type Filter, toggleStatus } from './filter.ts'

/** Chips for the statuses, and a search over what a row shows. */
export function Filters({ filter, counts }: { filter: Filter; counts: Record<Status, number> | null }) {
  const setSearch = useSetSearch()
  const [text, setText] = useUrlText('q')
  return (
    <div className="filters">
      <div className="chips" role="group" aria-label="Filter by status">
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            className="chip"
            aria-pressed={filter.statuses.includes(status)}
            onClick={() => setSearch({ status: toggleStatus(filter.statuses, status) })}
          >
            <StatusMark status={status} /> {status} {counts && <b>{formatNumber(counts[status])}</b>}
          </button>
        ))}
      </div>
      <input
        type="search"
        aria-label="Search instances"
        placeholder="Name, id, image, reason"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  )
}
