import type { Claim, ClaimStatus } from '@convos/pool/contract'
import { type QueryClient, queryOptions, skipToken } from '@tanstack/react-query'
import { claimAgent, readClaim } from '../api/claims.ts'
import { ApiError, isSignedOut, isUndecided } from '../api/errors.ts'
import { live } from '../live/apply.ts'
import { intoHeard } from '../live/merge.ts'
import { type Attempt, credentialsOf, forgetAttempt } from './attempt.ts'

const POLL_MS = 1000
const RETRY_MS = 2000
const UNDER_WAY: readonly ClaimStatus[] = ['queued', 'running', 'pending']

export const isUnderWay = (claim: Claim): boolean => UNDER_WAY.includes(claim.status)
const whileUnderWay = ({ state }: { state: { data: Claim | undefined } }) =>
  state.data && isUnderWay(state.data) ? POLL_MS : false

/**
 * An attempt's claim: the POST, repeated under its key until its outcome is known (it stays one claim), then the claim by its id.
 * Without the query's signal: a claim goes on when the page is left. A refused one is asked for again by nothing but the button.
 */
export const claimQuery = (attempt: Attempt | null) =>
  queryOptions({
    queryKey: ['claim', attempt?.key],
    queryFn: attempt === null ? skipToken : ({ client, queryKey }) => ask(client, attempt, client.getQueryData<Claim>(queryKey)),
    staleTime: Infinity,
    gcTime: Infinity,
    retry: (_count, error) => isUndecided(error),
    retryDelay: RETRY_MS,
    retryOnMount: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    refetchInterval: whileUnderWay,
  })

/** A claim by its id. */
export const claimByIdQuery = (claimId: string | undefined) =>
  queryOptions({
    queryKey: ['claims', claimId],
    queryFn: claimId === undefined ? skipToken : () => readClaim(claimId),
    refetchInterval: whileUnderWay,
  })

/** The claims that the stream told of lately. */
export const heardQuery = queryOptions({
  queryKey: ['claims', 'heard'],
  queryFn: skipToken,
  initialData: [] as readonly Claim[],
  ...live(intoHeard),
})

async function ask(client: QueryClient, attempt: Attempt, known: Claim | undefined): Promise<Claim> {
  try {
    const claim = await (known ? readClaim(known.claimId) : make(client, attempt))
    if (claim.status !== 'done' && !isUnderWay(claim)) forgetAttempt(client, attempt)
    return claim
  } catch (error) {
    if (error instanceof ApiError && isVerdict(error)) forgetAttempt(client, attempt)
    throw error
  }
}

async function make(client: QueryClient, attempt: Attempt): Promise<Claim> {
  const userConfig = credentialsOf(client, attempt)
  if (attempt.secret && !userConfig) throw new ApiError({ code: 'CREDENTIALS_GONE', status: null, detail: null })
  return claimAgent(attempt.key, { ...attempt.body, ...(userConfig ? { userConfig } : {}) })
}

/** A refused claim has released its key: another repeat would be another claim. */
const isVerdict = (error: ApiError) => !isUndecided(error) && !isSignedOut(error)
