import type { Context } from './context.ts'
import { type Reservation, reserve } from './db/reserve.ts'

/**
 * Pairs waiting claims with ready instances until one of the two runs out, and hands each reservation to `take`. A
 * reservation of a claim that another replica was asked for is found there by its own look at the claim.
 *
 * One round at a time, many pairs in each: whoever calls while one is under way shares the next, which sees what they wrote.
 */
export function createMatch(
  { db, limits, signals }: Pick<Context, 'db' | 'limits' | 'signals'>,
  take: (reserved: Reservation) => void,
): () => Promise<void> {
  const terms = {
    createMs: limits.claimCreateMs,
    joinMs: limits.claimJoinMs,
    leaseExtraMs: limits.claimLeaseExtraMs,
    limit: limits.matchBatch,
  }

  async function round(): Promise<void> {
    for (;;) {
      const { reserved, more } = await reserve(db, terms)
      for (const one of reserved) take(one)
      // the refill starts with the reservation, not with the next tick
      if (reserved.length > 0) signals.emit('changed', 'shrunk')
      if (!more) return
    }
  }

  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  return () => {
    next ??= current
      // a round that failed is its own callers' to hear of
      .catch(() => {})
      .then(() => {
        next = null
        return (current = round())
      })
    return next
  }
}
