import type { ApiError } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { formatClock } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'

interface ReadProblemProps {
  error: ApiError
  /** What is on screen, if anything, is of then. */
  since: number | null
  again: () => void
}

/** The log, or more of it, could not be read. */
export const ReadProblem = ({ error, since, again }: ReadProblemProps) => (
  <div className="log-problem">
    {since !== null && <p className="hint">What you see is from {formatClock(since)}.</p>}
    <Problem error={error} />
    <Button className="compact" onClick={again}>
      Try again
    </Button>
  </div>
)
