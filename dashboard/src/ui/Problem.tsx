import { type ApiError, isUndecided } from '../api/errors.ts'
import { CopyButton } from './CopyButton.tsx'
import { formatAge, sentence } from './format.ts'
import { useTicking } from './ticking.ts'
import { wordsFor } from './words.ts'

interface ProblemProps {
  error: ApiError
  /** It was something done, rather than something read: where the answer is missing, it may have been done all the same. */
  isAct?: boolean
}

/** What happened, what it means, what to do, and the request id to pass on. */
export function Problem({ error, isAct = false }: ProblemProps) {
  const { what, todo } = wordsFor(error)
  const detail = error.detail && sentence(error.detail)
  return (
    <div className="problem" role="alert">
      <p className="problem-what">{what}</p>
      {detail && detail !== what && <p>{detail}</p>}
      <p>
        {isAct && isUndecided(error) && 'It may have taken effect all the same: look before you do it again. '}
        {todo}
        {error.etaSeconds !== null && ` The next one is expected in about ${formatAge(error.etaSeconds * 1000)}.`}
      </p>
      {error.etaSeconds === null && error.retryAfterSeconds !== null && (
        <Wait until={error.at + error.retryAfterSeconds * 1000} />
      )}
      {error.requestId && (
        <p className="problem-id">
          Request <code>{error.requestId}</code> <CopyButton className="compact" label="Copy request id" text={error.requestId} />
        </p>
      )}
    </div>
  )
}

/** Counts down until it may be tried again; of that, a screen reader is told the beginning alone. */
function Wait({ until }: { until: number }) {
  const left = useTicking((now) => Math.max(0, Math.ceil((until - now) / 1000)))
  return <p aria-live="off">{left > 0 ? `It asks us to wait ${left} s.` : 'The wait is over: try again.'}</p>
}
