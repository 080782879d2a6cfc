import type { Claim } from '@convos/pool/contract'
import { ApiError } from '../api/errors.ts'

/** Why there is no agent: the request was refused, or the claim ended without one. */
export function failureOf(claim: Claim | undefined, error: ApiError | null): ApiError | null {
  if (error || !claim) return error
  const { code, detail } = claim.error ?? { code: claim.status === 'ended' ? 'CLAIM_ENDED' : 'CLAIM_FAILED', detail: null }
  return new ApiError({ code, status: 200, detail })
}
