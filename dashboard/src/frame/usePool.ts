import type { Counts } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { countsQuery, statusQuery } from '../api/queries.ts'
import { useSession } from '../session/session.ts'

interface PoolNow {
  /** Undefined until the first answer; afterwards the latest one, however old. */
  counts: Counts | undefined
  /** How many ready instances the pool keeps; for operators only. */
  target: number | null
}

const CLAIMERS_ASK_MS = 2_000

/** The pool's figures: operators are told of changes, claimers ask. */
export function usePool(): PoolNow {
  const operator = useSession().role === 'operator'
  const status = useQuery({ ...statusQuery, enabled: operator })
  const counts = useQuery({ ...countsQuery, enabled: !operator, refetchInterval: CLAIMERS_ASK_MS })
  return { counts: operator ? status.data?.counts : counts.data, target: status.data?.target ?? null }
}
