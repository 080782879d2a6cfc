import type { Claim } from '@convos/pool/contract'
import type { Attempt } from './attempt.ts'

/** Clocks of browsers and of the pool may differ by this much. */
const SKEW_MS = 10_000

/**
 * While pool has not answered the attempt itself, the claim that the stream tells of and that is very likely it: for its steps and
 * its place in the queue, never for its result. Null where two could be meant.
 */
export function likely(attempt: Attempt, heard: readonly Claim[]): Claim | null {
  const found = heard.filter(
    ({ createdAt, agentName, templateId, status }) =>
      Date.parse(createdAt) >= attempt.startedAt - SKEW_MS &&
      agentName === attempt.name &&
      templateId === (attempt.body.templateId ?? null) &&
      (status === 'queued' || status === 'running'),
  )
  return found.length === 1 ? (found[0] ?? null) : null
}
