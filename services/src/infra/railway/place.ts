import { ProviderError } from '../errors.ts'
import type { Place } from '../provider.ts'

/** Railway's ids of an instance, as its steps make them. */
type Id = 'projectId' | 'environmentId' | 'serviceId' | 'volumeId'

/** These ids of a place. @throws ProviderError when its making has not come so far */
export function idsOf<N extends Id>(place: Place, ...names: N[]): Record<N, string> {
  const missing = names.find((name) => place[name] === undefined)
  if (missing === undefined) return Object.fromEntries(names.map((name) => [name, place[name]])) as Record<N, string>
  const p = { provider: 'railway', operation: 'place', kind: 'permanent', uncertain: false } as const
  throw new ProviderError(`the place has no ${missing} yet`, p)
}

/** What is known of a place; what is not is left out. */
export const placeOf = (ids: Record<string, string | undefined>): Place =>
  Object.fromEntries(Object.entries(ids).filter((entry): entry is [string, string] => entry[1] !== undefined))
