import { type Database, Problem } from '@convos/kit'
import type { KeyLimits, Principal } from './auth.ts'
import type { Context } from './context.ts'
import { countTainted } from './db/keys.ts'
import { type Counter, giveBackPoint, takePoint } from './db/rate-limits.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * Makes a claim within the limits of its caller's key. The pool key has none, and a repeat is no further claim. What does not
 * count in the end is given back to the day's quota: only what the caller got is its use.
 * @throws Problem RATE_LIMITED, with nothing begun
 */
export async function throttled<T>(
  { db, limits }: Context,
  { id, limits: own }: Principal,
  { isRepeat, work, counts }: { isRepeat: () => Promise<boolean>; work: () => Promise<T>; counts: (result: T) => boolean },
): Promise<T> {
  if (own === null || (await isRepeat())) return work()
  const { tainted, forMs } = await countTainted(db, id)
  if (tainted > limits.taintedPerHour) throw tooMany('the claims of this key have spoilt too many instances', forMs)
  const { perMinute, perDay } = countersOf(id, own)
  // the day first: what the minute refuses is given back to it
  await take(db, perDay, 'this key has used up its claims of the day')
  let counted = false
  try {
    await take(db, perMinute, 'this key makes too many claims')
    const result = await work()
    counted = counts(result)
    return result
  } finally {
    if (!counted && perDay) await giveBackPoint(db, perDay.key)
  }
}

/** In Postgres, where all replicas count together: a limit in each one's memory would grow with their number. */
function countersOf(id: string, { claimsPerMinute, claimsPerDay }: KeyLimits) {
  const counter = (window: string, points: number | null, ms: number): Counter | null =>
    points === null ? null : { key: `${window}:${id}`, points, ms }
  return { perMinute: counter('minute', claimsPerMinute, MINUTE_MS), perDay: counter('day', claimsPerDay, DAY_MS) }
}

async function take(db: Database, counter: Counter | null, refusal: string): Promise<void> {
  if (counter === null) return
  const { taken, forMs } = await takePoint(db, counter)
  if (!taken) throw tooMany(refusal, forMs)
}

/**
 * Lets something be done with one thing once in a while, whichever replica is asked.
 * @throws Problem RATE_LIMITED
 */
export async function onceInAWhile(
  db: Database,
  { what, id, everyMs, refusal }: { what: string; id: string; everyMs: number; refusal: string },
): Promise<void> {
  await take(db, { key: `${what}:${id}`, points: 1, ms: everyMs }, refusal)
}

/** 429, and when to come again. */
export const tooMany = (detail: string, waitMs: number): Problem =>
  new Problem({
    status: 429,
    code: 'RATE_LIMITED',
    detail,
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) },
  })
