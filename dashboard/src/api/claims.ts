import { Claim, type ClaimRequest, OfferedTools, Templates } from '@convos/pool/contract'
import type { z } from 'zod'
import { call } from './client.ts'

export type ClaimBody = z.input<typeof ClaimRequest>

/** Pool answers a claim within 30 s plus the wait asked for; our deadline is longer. */
const CLAIM_DEADLINE_MS = 40_000

/** Safe to repeat with the same key: it is the same claim. */
export const claimAgent = (key: string, body: ClaimBody) =>
  call('/api/pool/claim', {
    answer: Claim,
    method: 'POST',
    body,
    headers: { 'idempotency-key': key },
    deadlineMs: CLAIM_DEADLINE_MS + (body.waitMs ?? 0),
  })
export const readClaim = (claimId: string) => call(`/api/pool/claims/${encodeURIComponent(claimId)}`, { answer: Claim })
/** Cancels a claim, or gives its agent up. Can be sent twice. */
export const giveUpClaim = (claimId: string) =>
  call(`/api/pool/claims/${encodeURIComponent(claimId)}`, { answer: Claim, method: 'DELETE' })

export const readTemplates = (signal: AbortSignal) => call('/api/templates', { answer: Templates, signal })
export const readTools = (signal: AbortSignal) => call('/api/tools', { answer: OfferedTools, signal })
