import type { Instance } from '@convos/pool/contract'
import { formatNumber } from '../ui/format.ts'

/** How people call an instance. */
export const nameOf = ({ agentName, id }: Pick<Instance, 'agentName' | 'id'>): string => agentName ?? id

export interface Latest {
  what: string
  /** Null: it is not told when. */
  at: string | null
}

/** The latest that the row itself tells. */
export function latestOf({ status, statusReason, phase, phaseSince, createdAt, readyAt, claimedAt }: Instance): Latest {
  if (statusReason !== null && ['stuck', 'crashed', 'deleting'].includes(status)) return { what: statusReason, at: phaseSince }
  const known = [
    { what: 'created', at: createdAt },
    { what: 'became ready', at: readyAt },
    { what: 'claimed', at: claimedAt },
    { what: phase ?? '', at: phase === null ? null : phaseSince },
  ].filter((one): one is { what: string; at: string } => one.at !== null)
  const first = known[0] ?? { what: 'created', at: createdAt }
  return known.reduce((latest, one) => (Date.parse(one.at) > Date.parse(latest.at) ? one : latest), first)
}

/** What its last answered probe said. */
export function healthOf({ health }: Instance): { word: string; good: boolean } | null {
  if (health === null) return null
  if (!health.ready) return { word: 'not ready', good: false }
  return { word: health.clean ? 'clean' : 'in use', good: true }
}

/** In a sentence there is room for so many. */
const BY_NAME = 3

/** The first of them by name, and how many more. */
export function named(instances: readonly Instance[]): string {
  const names = instances.slice(0, BY_NAME).map((one) => `\u2068${nameOf(one)}\u2069`)
  const more = instances.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${formatNumber(more)} more` : ''}`
}
