import { MutationCache, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import type { Operation } from '@convos/pool/contract'
import { live } from '../live/apply.ts'
import { intoCounts, intoOperation, intoOperations, intoStatus } from '../live/merge.ts'
import { readTemplates, readTools } from './claims.ts'
import { type ApiError, isSignedOut, isUndecided } from './errors.ts'
import { readCounts, readOperation, readOperations, readStatus } from './pool.ts'
import { readSession, readVersion } from './session.ts'

// Every request goes through `call`, which throws nothing else.
declare module '@tanstack/react-query' {
  interface Register {
    defaultError: ApiError
  }
}

/** After a failure the pool is given a little air. */
const RETRY_MS = 3000
const STALE_MS = 30_000

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
  retry: false,
  refetchInterval: untilAnswered,
})

/** The pool with up to a thousand of its instances; for operators. */
export const statusQuery = queryOptions({
  queryKey: ['pool', 'status'],
  queryFn: ({ signal }) => readStatus(signal),
  ...live(intoStatus),
})

/** The figures alone; claimers are not told when they change, and ask. */
export const countsQuery = queryOptions({
  queryKey: ['pool', 'counts'],
  queryFn: ({ signal }) => readCounts(signal),
  ...live(intoCounts),
})

/** An operation that was just begun. */
export const operationQuery = (started: Operation) =>
  queryOptions({
    queryKey: ['operation', started.id],
    queryFn: ({ signal }) => readOperation(started.id, signal),
    initialData: started,
    ...live(intoOperation),
    // read once all the same: news that came before its own answer found nothing to go into
    staleTime: 0,
  })

export const operationsQuery = queryOptions({
  queryKey: ['operations'],
  queryFn: ({ signal }) => readOperations(signal),
  ...live(intoOperations),
})

export const templatesQuery = queryOptions({ queryKey: ['templates'], queryFn: ({ signal }) => readTemplates(signal) })

/** What services offers changes with a deployment only. */
export const toolsQuery = queryOptions({
  queryKey: ['tools'],
  queryFn: ({ signal }) => readTools(signal),
  staleTime: 10 * 60_000,
})

/** The one query client; a 401 anywhere is told to `onSignedOut`. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    if (isSignedOut(error)) onSignedOut()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // 'always': the pool may be on this very machine, whatever the browser thinks of the network.
      queries: {
        networkMode: 'always',
        staleTime: STALE_MS,
        // an answer that got lost is asked for once more; a refusal is one
        retry: (failures, error) => failures < 1 && isUndecided(error),
        retryDelay: 500,
      },
      // whether a write took effect is for its own code to find out
      mutations: { networkMode: 'always', retry: false },
    },
  })
}
