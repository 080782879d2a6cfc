import type { Counts } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import type { ApiError } from '../api/errors.ts'
import { countsQuery, RETRY_MS, statusQuery } from '../api/queries.ts'
import { useSession } from '../session/session.tsx'

export interface PoolNow {
  /** Undefined until the first answer; afterwards the latest one, however old. */
  counts: Counts | undefined
  /** How many ready instances the pool keeps; for operators only. */
  target: number | null
  updatedAt: number
  error: ApiError | null
  retryAt: number
  retry: () => void
}

/** The pool's figures, polled; operators get them with the instances, claimers alone. */
export function usePool(): PoolNow {
  const operator = useSession().role === 'operator'
  const status = useQuery({ ...statusQuery, enabled: operator })
  const counts = useQuery({ ...countsQuery, enabled: !operator })
  const feed = operator ? status : counts
  return {
    counts: operator ? status.data?.counts : counts.data,
    target: status.data?.target ?? null,
    updatedAt: feed.dataUpdatedAt,
    error: feed.error,
    retryAt: feed.errorUpdatedAt + RETRY_MS,
    retry: () => void feed.refetch(),
  }
}
