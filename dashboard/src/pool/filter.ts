import { type Instance, type Status, STATUSES } from '@convos/pool/contract'
import type { Search } from '../url.ts'

/** What of the pool is shown; it lives in the address, as `?status=ready,stuck&q=…`. */
export interface Filter {
  /** Empty: every status. */
  statuses: readonly Status[]
  text: string
}

export function filterFrom({ status = '', q = '' }: Search): Filter {
  const named = status.split(',')
  return { statuses: STATUSES.filter((one) => named.includes(one)), text: q }
}

/** The `status` parameter with one status more, or one less. */
export const toggleStatus = (statuses: readonly Status[], status: Status): string =>
  (statuses.includes(status) ? statuses.filter((s) => s !== status) : [...statuses, status]).join(',')

/** The instances that pass, newest first: a change of status moves no row. */
export function visible(instances: readonly Instance[], { statuses, text }: Filter): Instance[] {
  const wanted = text.trim().toLowerCase()
  return instances
    .filter((instance) => statuses.length === 0 || statuses.includes(instance.status))
    .filter((instance) => wanted === '' || searchable(instance).includes(wanted))
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id))
}

const searchable = ({ id, agentName, image, url, phase, statusReason }: Instance) =>
  [id, agentName, image, url, phase, statusReason].join('\n').toLowerCase()

/** How many instances are in each status. */
export function countByStatus(instances: readonly Instance[]): Record<Status, number> {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>
  for (const { status } of instances) counts[status]++
  return counts
}
