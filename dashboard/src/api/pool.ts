import { Claim, type ClaimRequest, Counts, Operation, PoolStatus, Session, Version } from '@convos/pool/contract'
import type { z } from 'zod'
import { call, NO_ANSWER } from './client.ts'

export type ClaimBody = z.input<typeof ClaimRequest>

/** Pool answers a claim within 30 s plus the wait asked for; our deadline is longer. */
const CLAIM_DEADLINE_MS = 40_000

export const readVersion = (signal: AbortSignal) => call('/version', { answer: Version, signal })

export const readSession = (signal: AbortSignal) => call('/api/session', { answer: Session, signal })
export const logIn = (body: { key: string } | { loginCode: string }) =>
  call('/api/session', { answer: Session, method: 'POST', body })
export const logOut = () => call('/api/session', { answer: NO_ANSWER, method: 'DELETE' })

export const readStatus = (signal: AbortSignal) => call('/api/pool/status', { answer: PoolStatus, signal })
export const readCounts = (signal: AbortSignal) => call('/api/pool/counts', { answer: Counts, signal })

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

export const replenish = (count: number) => call('/api/pool/replenish', { answer: Operation, method: 'POST', body: { count } })
/** Drains the given number of ready instances. */
export const drain = (count: number) => call('/api/pool/drain', { answer: Operation, method: 'POST', body: { count } })
export const killInstance = (id: string) =>
  call(`/api/pool/instances/${encodeURIComponent(id)}`, { answer: Operation, method: 'DELETE' })
export const readOperation = (id: string, signal: AbortSignal) =>
  call(`/api/pool/operations/${encodeURIComponent(id)}`, { answer: Operation, signal })
