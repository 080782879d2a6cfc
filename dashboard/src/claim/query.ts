import type { Claim, ClaimStatus } from '@convos/pool/contract'
import { queryOptions, skipToken } from '@tanstack/react-query'
import { ApiError, isSignedOut, isUndecided } from '../api/errors.ts'
import { claimAgent, readClaim } from '../api/claims.ts'
import { type Attempt, forgetAttempt } from './attempt.ts'

const POLL_MS = 1000
const RETRY_MS = 2000
const UNDER_WAY: readonly ClaimStatus[] = ['queued', 'running', 'pending']

export const isUnderWay = (claim: Claim): boolean => UNDER_WAY.includes(claim.status)

/**
 * An attempt's claim: the POST, repeated under its key until its outcome is known (it stays one claim), then the claim by its id.
 * Without the query's signal: a claim goes on when the page is left.
 */
export const claimQuery = (attempt: Attempt | null) =>
  queryOptions({
    queryKey: ['claim', attempt?.key],
    queryFn: attempt === null ? skipToken : ({ client, queryKey }) => ask(attempt, client.getQueryData<Claim>(queryKey)),
    staleTime: Infinity,
    gcTime: Infinity,
    retry: (_count, error) => isUndecided(error),
    retryDelay: RETRY_MS,
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? POLL_MS : false),
  })

async function ask(attempt: Attempt, known: Claim | undefined): Promise<Claim> {
  try {
    const claim = await (known ? readClaim(known.claimId) : claimAgent(attempt.key, attempt.body))
    if (claim.status !== 'done' && !isUnderWay(claim)) forgetAttempt()
    return claim
  } catch (error) {
    if (error instanceof ApiError && isVerdict(error)) forgetAttempt()
    throw error
  }
}

/** A refused claim has released its key: another repeat would be another claim. */
const isVerdict = (error: ApiError) => !isUndecided(error) && !isSignedOut(error)
