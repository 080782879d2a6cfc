import { type PoolStatus, type Status, STATUSES } from '@convos/pool/contract'

/** How many are in each status; of a pool whose list is cut off only what its figures tell. */
export function countsFrom({ instances, counts, truncated }: PoolStatus): Partial<Record<Status, number>> {
  if (truncated) return { ready: counts.idle, crashed: counts.crashed, stuck: counts.stuck }
  const all = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>
  for (const { status } of instances) all[status]++
  return all
}
