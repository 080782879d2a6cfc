import { systemClock } from '@convos/kit'
import { scoped } from '@convos/sandbox/testing'
import { slotOf } from '../src/cli/canary/slot.ts'
import { visit } from '../src/cli/canary/visit.ts'
import { connect } from '../src/cli/client.ts'
import { standBetween } from './between.ts'
import { countRows, seedReady, testPool, type TestPool } from './harness.ts'
import { makeKey } from './keys.ts'

/** Its slot does not end while a test runs. */
export const WEEK = 7 * 86_400_000
export const ORIGINS = ['https://dev.convos.org']

/** A pool whose looks are quick, and somebody between it and its canary. */
export async function aviary(ready: number) {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '200' } }))
  await seedReady(pool, ready)
  const between = scoped(await standBetween(pool.url))
  const { key } = await makeKey(pool)
  const api = await connect({ url: between.url, key, env: {} })
  const once = (over: { answerMs?: number; origins?: string[]; stopping?: AbortSignal } = {}) =>
    visit({
      api,
      clock: systemClock,
      slot: slotOf(new Date(), WEEK),
      answerMs: 10_000,
      origins: ORIGINS,
      stopping: new AbortController().signal,
      ...over,
    })
  return { pool, between, key, api, once }
}

/** How many agents somebody has. */
export const inUse = async ({ db }: TestPool) =>
  (await countRows(db, 'claiming')) + (await countRows(db, 'claimed')) + (await countRows(db, 'pending'))
