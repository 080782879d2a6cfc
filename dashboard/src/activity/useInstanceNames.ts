import type { PoolStatus } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { statusQuery } from '../api/queries.ts'

export type Names = Readonly<Record<string, string>>

const namesIn = ({ instances }: PoolStatus): Names =>
  Object.fromEntries(instances.flatMap(({ id, agentName }) => (agentName === null ? [] : [[id, agentName]])))

/** How the agents are called that there are now; those that are gone go by their ids. */
export const useInstanceNames = (): Names => useQuery({ ...statusQuery, select: namesIn }).data ?? NONE

const NONE: Names = {}
