import type { Stock } from './db/instances.ts'
import type { Limits } from './limits.ts'

export interface RefillFacts extends Stock {
  target: number
  maxTotal: number | null
  paused: boolean
  /** Creations that failed since the last success, oldest first. */
  failures: readonly { created_at: Date; failed_at: Date }[]
  now: Date
}

export interface RefillPlan {
  create: number
  /** Why fewer are created than are missing; null when nothing holds the refill back. */
  held: { code: 'PAUSED' | 'MAX_TOTAL' | 'CREATION_FAILING'; reason: string; until: Date | null } | null
}

/**
 * How many instances to create now. What is being created counts as if it were there; a cap, a pause or failing creations
 * hold the refill back, and then the plan says so. `extra`: so many more than now are wanted, whatever the target.
 */
export function planRefill(facts: RefillFacts, limits: Limits, extra: number | null = null): RefillPlan {
  const missing = extra ?? Math.max(0, facts.target - facts.ready - facts.starting)
  if (missing === 0) return { create: 0, held: null }
  if (facts.paused) return { create: 0, held: { code: 'PAUSED', reason: 'the refill is paused', until: null } }

  const backoff = creationBackoff(facts.failures, limits)
  if (backoff && (backoff.until > facts.now || (backoff.trial && facts.starting > 0))) {
    const reason = `creation failed ${facts.failures.length} times in a row`
    return { create: 0, held: { code: 'CREATION_FAILING', reason, until: backoff.until } }
  }
  const room = facts.maxTotal === null ? missing : Math.max(0, facts.maxTotal - facts.total)
  if (room < missing) {
    const reason = `POOL_MAX_TOTAL allows ${facts.maxTotal} instances and ${facts.total} exist`
    return { create: room, held: { code: 'MAX_TOTAL', reason, until: null } }
  }
  return { create: backoff?.trial ? 1 : missing, held: null }
}

/**
 * The pause after failing creations, doubling with every round. Instances created before the first failure of a round was
 * known belong to that round: twenty that fail together are one round, not twenty.
 */
export function creationBackoff(failures: RefillFacts['failures'], limits: Limits): { until: Date; trial: boolean } | null {
  let rounds = 0
  let last = -Infinity
  let roundBegan = -Infinity
  for (const { created_at, failed_at } of failures) {
    if (created_at.getTime() > roundBegan) {
      rounds++
      roundBegan = failed_at.getTime()
    }
    last = Math.max(last, failed_at.getTime())
  }
  if (rounds === 0) return null
  const pauseMs = Math.min(limits.createBackoffCapMs, limits.createBackoffMs * 2 ** (rounds - 1))
  return { until: new Date(last + pauseMs), trial: rounds >= limits.createTrialAfter }
}

/** Boxes that automation may destroy within an hour. */
export const autoDestroyCap = (target: number, limits: Limits): number =>
  Math.max(limits.autoDestroyPerHour, Math.ceil(target * limits.autoDestroyShare))

/** When the claim at `position` in the queue can expect an instance, seconds; a guess where nothing was warmed yet. */
export function estimateWait(p: {
  position: number
  starting: number
  oldestStartingMs: number | null
  warmUpMs: number | null
}): number {
  const warmUpMs = p.warmUpMs ?? 60_000
  const first = Math.max(1_000, warmUpMs - (p.oldestStartingMs ?? 0))
  // one more round of creation for every batch of those on their way
  const rounds = Math.floor(Math.max(0, p.position - 1) / Math.max(1, p.starting))
  return Math.ceil((first + rounds * warmUpMs) / 1000)
}
