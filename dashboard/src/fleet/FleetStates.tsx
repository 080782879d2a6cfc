import type { ApiError } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { formatClock } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { type FleetView, isFiltered, NO_FILTER } from './view.ts'

/** The list could not be read; what is on screen, if anything, is of `since`. */
export const ReadProblem = ({ error, since, again }: { error: ApiError; since: number | null; again: () => unknown }) => (
  <div className="fleet-problem">
    {since !== null && <p className="notice">What you see is from {formatClock(since)}; it could not be read again.</p>}
    <Problem error={error} />
    <Button className="compact" onClick={() => void again()}>
      Try again
    </Button>
  </div>
)

/** Nothing to show: for want of instances, or because of the filter. */
export const None = ({ view, show }: { view: FleetView; show: (change: Partial<FleetView>) => void }) =>
  isFiltered(view) ? (
    <EmptyState what="No instance passes the filter.">
      <Button onClick={() => show(NO_FILTER)}>Show all</Button>
    </EmptyState>
  ) : (
    <EmptyState
      what="The pool is empty."
      hint="It fills itself within minutes, if it is to keep any ready. The Pool page says how many, and what holds it back."
    />
  )
