import { queryOptions } from '@tanstack/react-query'
import { readKeys, readVersions } from '../api/keys.ts'
import { live } from '../live/apply.ts'
import { staleOn } from '../pool/queries.ts'

/** That a key was used is told by no event. */
const ASK_MS = 30_000

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => readKeys(signal),
  ...live(staleOn('key_created', 'key_revoked')),
  refetchInterval: ASK_MS,
})

export const versionsQuery = queryOptions({
  queryKey: ['versions'],
  queryFn: ({ signal }) => readVersions(signal),
  refetchInterval: ASK_MS,
})
