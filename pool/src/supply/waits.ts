import { type Held, planRefill, type SupplyFacts } from './plan.ts'

/** What keeps long work from going on; `until`: not before, null where that is not a matter of time. */
export interface Wait {
  code: Held['code'] | 'STARTING' | 'NOT_FREE'
  reason: string
  until: Date | null
}

/**
 * What keeps a roll-out from its next instance; null: nothing, its turn comes with the next look.
 * @param free how many of those left may go now
 */
export function whatRolloutWaitsFor(facts: SupplyFacts, free: number): Wait | null {
  const { images, settings, stock, wanted } = facts
  if (settings.paused) return { code: 'PAUSED', reason: 'the refill is paused', until: null }
  // nothing is taken from a stock that is short and cannot be filled up
  const { held } = planRefill(facts)
  if (held) return held
  const record = images.find(({ image }) => image === wanted)
  if (record && record.failures > 0) {
    const reason = `creation on ${record.image} failed ${record.failures} times in a row`
    return { code: 'CREATION_FAILING', reason, until: record.retry_at }
  }
  if (stock.starting > 0) {
    const reason = `${stock.starting} that ${stock.starting === 1 ? 'is' : 'are'} on the way must become ready first`
    return { code: 'STARTING', reason, until: null }
  }
  if (free > 0) return null
  const reason = 'each that is left is protected, is being claimed, or has not said lately that nobody is on it'
  return { code: 'NOT_FREE', reason, until: null }
}
