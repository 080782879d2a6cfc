import type { Context } from './context.ts'
import { type Reservation, reserveNext } from './db/reserve.ts'

/**
 * Pairs waiting claims with ready instances until one of the two runs out, and hands each reservation to `take`. A
 * reservation of a claim that another replica was asked for is found there by its own look at the claim.
 */
export function createMatch(ctx: Context, take: (reserved: Reservation) => void): () => Promise<void> {
  const { db, limits, signals } = ctx
  const deadlines = { createMs: limits.claimCreateMs, joinMs: limits.claimJoinMs, leaseExtraMs: limits.claimLeaseExtraMs }
  return async () => {
    for (;;) {
      const reserved = await reserveNext(db, deadlines)
      if (!reserved) return
      take(reserved)
      // the refill starts with the reservation, not with the next tick
      signals.emit('changed', 'shrunk')
    }
  }
}
