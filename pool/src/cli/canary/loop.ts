import { giveUp, type Held } from './claims.ts'
import { slotOf } from './slot.ts'
import { type Outcome, visit, type Visit } from './visit.ts'

export interface Rounds extends Omit<Visit, 'slot'> {
  everyMs: number
  /** One run and no more. */
  once: boolean
  /** Told each run as it is over, and how many claims are still to be given up. */
  told(outcome: Outcome, unsettled: number): void
  /** Told when that number changes between runs. */
  unsettled(n: number): void
}

/** How soon what could not be given up is tried again. */
const AGAIN_MS = 60_000

/** Runs once per slot until it is stopped; answers what could not be given up. */
export async function rounds(r: Rounds): Promise<readonly Held[]> {
  const { clock, stopping } = r
  let owed: Held[] = []

  async function settle(): Promise<void> {
    const left: Held[] = []
    for (const held of owed) {
      // by now the pool has ended it
      if (clock.now() >= held.slot.expiresAt) continue
      await giveUp(r, held).catch(() => left.push(held))
    }
    if (left.length !== owed.length) r.unsettled(left.length)
    owed = left
  }

  while (!stopping.aborted) {
    await settle()
    const slot = slotOf(clock.now(), r.everyMs)
    const { outcome, held } = await visit({ ...r, slot })
    if (held) owed.push(held)
    if (!stopping.aborted || outcome.failure) r.told(outcome, owed.length)
    if (r.once) break
    while (!stopping.aborted && clock.now() < slot.endsAt) {
      const leftMs = slot.endsAt.getTime() - clock.now().getTime()
      await clock.sleep(owed.length > 0 ? Math.min(leftMs, AGAIN_MS) : leftMs, stopping)
      if (owed.length > 0 && !stopping.aborted) await settle()
    }
  }
  // the last chance of this process; what is left then ends by itself
  await settle()
  return owed
}
