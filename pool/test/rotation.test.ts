import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Candidate, planRotation, type RotationFacts } from '../src/supply/rotate.ts'
import { advance } from './harness.ts'
import { aFullPool, countEvents, readyIds, tickOnce } from './stock.ts'

const aged = (...ids: string[]): Candidate[] => ids.map((id) => ({ id, why: 'aged' }))
const rolling = (...ids: string[]): Candidate[] => ids.map((id) => ({ id, why: 'rollout' }))

interface Given extends Partial<Omit<RotationFacts, 'stock' | 'settings'>> {
  ready: number
  starting?: number
  total?: number
  target?: number
  maxTotal?: number | null
  paused?: boolean
}

const plan = ({ ready, starting = 0, total = ready + starting, target = 3, maxTotal = null, paused = false, ...p }: Given) =>
  planRotation({
    stock: { ready, starting, total },
    settings: { minIdle: target, maxTotal, paused },
    candidates: aged('a', 'b'),
    isWantedTrusted: true,
    isWantedUntried: false,
    agedLeft: 5,
    ...p,
  })

describe('the plan of a rotation', () => {
  test('one more is made first, then the oldest goes', () => {
    expect(plan({ ready: 3 })).toEqual({ surge: 'any', retire: null })
    expect(plan({ ready: 3, starting: 1 })).toEqual({ surge: 'any', retire: null })
    expect(plan({ ready: 4 })).toEqual({ surge: 'any', retire: { id: 'a', why: 'aged' } })
    expect(plan({ ready: 4, candidates: aged('a') })).toEqual({ surge: null, retire: { id: 'a', why: 'aged' } })
  })

  test('where the cap leaves no room the oldest goes first, from a full stock alone', () => {
    expect(plan({ ready: 3, maxTotal: 3 })).toEqual({ surge: null, retire: { id: 'a', why: 'aged' } })
    expect(plan({ ready: 2, total: 3, maxTotal: 3 })).toEqual({ surge: null, retire: null })
    expect(plan({ ready: 2, starting: 1, maxTotal: 3 })).toEqual({ surge: null, retire: null })
  })

  test('a roll-out takes nothing away before its image has proven itself', () => {
    const candidates = rolling('a', 'b')
    expect(plan({ ready: 3, candidates, isWantedTrusted: false })).toEqual({ surge: 'trial', retire: null })
    expect(plan({ ready: 4, candidates, isWantedTrusted: false })).toEqual({ surge: 'trial', retire: null })
    expect(plan({ ready: 4, candidates })).toEqual({ surge: 'wanted', retire: { id: 'a', why: 'rollout' } })
    // at the cap it cannot be tried but in the place of another, and that only once
    const tight = { ready: 3, candidates, isWantedTrusted: false, maxTotal: 3 }
    expect(plan({ ...tight, isWantedUntried: true })).toEqual({ surge: null, retire: { id: 'a', why: 'rollout' } })
    expect(plan(tight)).toEqual({ surge: null, retire: null })
  })

  test('a pause holds it, and so does the hourly cap for what is merely old', () => {
    expect(plan({ ready: 4, paused: true })).toEqual({ surge: null, retire: null })
    expect(plan({ ready: 4, agedLeft: 0 })).toEqual({ surge: null, retire: null })
    const candidates = [...aged('a'), ...rolling('b')]
    expect(plan({ ready: 4, agedLeft: 0, candidates })).toMatchObject({ retire: { id: 'b', why: 'rollout' } })
  })

  test('what it takes away never leaves the stock more than one short, and with room not short at all', () =>
    fc.assert(
      fc.property(
        fc.record({
          ready: fc.nat(6),
          starting: fc.nat(3),
          others: fc.nat(6),
          target: fc.nat(5),
          maxTotal: fc.option(fc.nat(16)),
          isWantedTrusted: fc.boolean(),
          isWantedUntried: fc.boolean(),
          agedLeft: fc.nat(2),
          candidates: fc.subarray([...aged('a', 'b'), ...rolling('c', 'd')]),
        }),
        ({ others, ...given }) => {
          const total = given.ready + given.starting + others
          const { retire, surge } = plan({ ...given, total })
          const hasRoom = given.maxTotal === null || total < given.maxTotal
          if (retire) expect(given.ready - 1).toBeGreaterThanOrEqual(hasRoom ? given.target : given.target - 1)
          if (surge !== null) expect(hasRoom).toBe(true)
        },
      ),
    ))
})

describe('a ready instance that is too old', () => {
  test.each([
    ['with room for one more the stock stays whole', {}, 3],
    ['at the cap it is one short at the most', { POOL_MAX_TOTAL: '3' }, 2],
  ])('is replaced: %s', async (_, env, atLeast) => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '3', POOL_MAX_AGE_HOURS: '24', ...env }))
    const old = await readyIds(pool)
    await advance(pool, 25 * 3_600_000)
    await eventually('all to be replaced', async () => {
      await tickOnce(pool)
      const ready = await readyIds(pool)
      expect(ready.length).toBeGreaterThanOrEqual(atLeast)
      return ready.length === 3 && !ready.some((id) => old.includes(id))
    })
    const { rows } = await pool.db.query({ text: `select actor from instance_events where type = 'aged_out'` })
    expect(rows).toEqual([{ actor: 'pool' }, { actor: 'pool' }, { actor: 'pool' }])
  })

  test('is left alone while it is protected', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '2', POOL_MAX_AGE_HOURS: '24' }))
    const [kept = '', other = ''] = await readyIds(pool)
    await pool.call('PATCH', `/api/pool/instances/${kept}`, { body: { protected: true } })
    await advance(pool, 25 * 3_600_000)
    await eventually('the other to be replaced', async () => {
      await tickOnce(pool)
      return !(await readyIds(pool)).includes(other)
    })
    for (let n = 0; n < 5; n++) await tickOnce(pool)
    expect(await readyIds(pool)).toContain(kept)
    expect(await countEvents(pool, 'aged_out')).toBe(1)
  })

  test('is left alone where no age is set', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '1' }))
    const old = await readyIds(pool)
    await advance(pool, 10_000 * 3_600_000)
    await tickOnce(pool)
    expect(await readyIds(pool)).toEqual(old)
  })
})
