import { type Database, Problem } from '@convos/kit'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { KeyLimits, Principal } from './auth.ts'
import type { Context } from './context.ts'
import { countTainted } from './db/keys.ts'

const MINUTE_S = 60
const DAY_S = 86_400

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
  const { perMinute, perDay } = countersOf(db, own)
  // the day first: what the minute refuses is given back to it
  await take(perDay, id, 'this key has used up its claims of the day')
  let counted = false
  try {
    await take(perMinute, id, 'this key makes too many claims')
    const result = await work()
    counted = counts(result)
    return result
  } finally {
    if (!counted) await perDay?.reward(id, 1)
  }
}

/** In Postgres, where all replicas count together: a limit in each one's memory would grow with their number. */
function countersOf(db: Database, { claimsPerMinute, claimsPerDay }: KeyLimits) {
  return {
    perMinute: claimsPerMinute === null ? null : counterOf(db, 'minute', claimsPerMinute, MINUTE_S),
    perDay: claimsPerDay === null ? null : counterOf(db, 'day', claimsPerDay, DAY_S),
  }
}

function counterOf(db: Database, keyPrefix: string, points: number, duration: number): RateLimiterPostgres {
  return new RateLimiterPostgres({
    storeClient: db,
    storeType: 'pool',
    tableName: 'rate_limits',
    tableCreated: true,
    // two rows per key, one per instance that was asked about by hand: used again and again, so there is nothing to clear
    clearExpiredByTimeout: false,
    keyPrefix,
    points,
    duration,
  })
}

async function take(counter: RateLimiterPostgres | null, id: string, refusal: string): Promise<void> {
  try {
    await counter?.consume(id)
  } catch (err) {
    // a refusal is a result; anything else is the database's
    if (!(err instanceof RateLimiterRes)) throw err
    // not made, so not counted: tries must not push the next chance away
    await counter?.reward(id, 1)
    throw tooMany(refusal, err.msBeforeNext)
  }
}

/**
 * Lets something be done with one thing once in a while, whichever replica is asked.
 * @throws Problem RATE_LIMITED
 */
export async function onceInAWhile(
  db: Database,
  { what, id, everyMs, refusal }: { what: string; id: string; everyMs: number; refusal: string },
): Promise<void> {
  await take(counterOf(db, what, 1, everyMs / 1000), id, refusal)
}

/** 429, and when to come again. */
export const tooMany = (detail: string, waitMs: number): Problem =>
  new Problem({
    status: 429,
    code: 'RATE_LIMITED',
    detail,
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) },
  })
