import type { ApiError } from '../api/errors.ts'
import { CopyButton } from './CopyButton.tsx'
import { formatAge, sentence } from './format.ts'
import { wordsFor } from './words.ts'

/** What happened, what it means, what to do, and the request id to pass on. */
export function Problem({ error }: { error: ApiError }) {
  const { what, todo } = wordsFor(error)
  return (
    <div className="problem" role="alert">
      <p className="problem-what">{what}</p>
      {error.detail && <p>{sentence(error.detail)}</p>}
      <p>
        {todo}
        {error.etaSeconds === null &&
          error.retryAfterSeconds !== null &&
          ` It asks us to wait ${formatAge(error.retryAfterSeconds * 1000)}.`}
        {error.etaSeconds !== null && ` The next one is expected in about ${formatAge(error.etaSeconds * 1000)}.`}
      </p>
      {error.requestId && (
        <p className="problem-id">
          Request <code>{error.requestId}</code> <CopyButton className="compact" label="Copy request id" text={error.requestId} />
        </p>
      )}
    </div>
  )
}
