import type { Instance, PoolStatus } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { statusQuery } from '../api/queries.ts'
import { useSession } from '../session/session.ts'

interface Agents {
  instances: readonly Instance[]
  /** There are more than pool lists at once. */
  truncated: boolean
}

const select = ({ instances, truncated }: PoolStatus): Agents => ({ instances, truncated })

/** The agents that there are; null for claimers, and until it is known. */
export function useAgents(): Agents | null {
  const operator = useSession().role === 'operator'
  return useQuery({ ...statusQuery, enabled: operator, select }).data ?? null
}
