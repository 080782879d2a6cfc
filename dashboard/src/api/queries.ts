import { MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import type { Operation } from '@convos/pool/contract'
import { type ApiError, isSignedOut } from './errors.ts'
import { readCounts, readOperation, readSession, readStatus, readVersion } from './pool.ts'

// Every request goes through `call`, which throws nothing else.
declare module '@tanstack/react-query' {
  interface Register {
    defaultError: ApiError
  }
}

const POLL_MS = 1000
/** After a failure the pool is given a little air; the offline banner counts this down. */
export const RETRY_MS = 3000

const poll = (query: { state: { status: string } }) => (query.state.status === 'error' ? RETRY_MS : POLL_MS)
const untilAnswered = (query: { state: { status: string } }) => (query.state.status === 'error' ? RETRY_MS : false)

export const versionQuery = queryOptions({
  queryKey: ['version'],
  queryFn: ({ signal }) => readVersion(signal),
  staleTime: Infinity,
  refetchInterval: untilAnswered,
})

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => readSession(signal),
  staleTime: Infinity,
  refetchInterval: untilAnswered,
})

/** Everything an operator sees of the pool, every second while the page is visible. */
export const statusQuery = queryOptions({
  queryKey: ['pool', 'status'],
  queryFn: ({ signal }) => readStatus(signal),
  refetchInterval: poll,
})

/** What a claimer may see instead. */
export const countsQuery = queryOptions({
  queryKey: ['pool', 'counts'],
  queryFn: ({ signal }) => readCounts(signal),
  refetchInterval: poll,
})

export const operationQuery = (started: Operation) =>
  queryOptions({
    queryKey: ['operation', started.id],
    queryFn: ({ signal }) => readOperation(started.id, signal),
    initialData: started,
    refetchInterval: (query) => (query.state.data?.state === 'running' ? poll(query) : false),
  })

/** The one query client; a 401 anywhere is told to `onSignedOut`. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (isSignedOut(error)) onSignedOut()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    // 'always': the pool may be on this very machine, whatever the browser thinks of the network.
    defaultOptions: { queries: { retry: false, networkMode: 'always' }, mutations: { retry: false, networkMode: 'always' } },
  })
}
