import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DatabaseFacts, inWords, judgeClock, judgeDatabase, ok, runChecks, secretsOf, skewOf } from '../src/doctor/index.ts'

const expected = { service: 'pool', environment: 'dev', migrations: [{ name: '0000_base.sql', checksum: 'a' }] }
const facts = (over: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  version: 150_004,
  connections: { used: 3, max: 100 },
  applied: expected.migrations,
  environment: 'dev',
  clock: { now: 1_000, before: 1_000, after: 1_000 },
  ...over,
})
const codes = (over: Partial<DatabaseFacts>) => judgeDatabase('DATABASE_URL', facts(over), expected).map(({ code }) => code)

describe('a database', () => {
  test('as it should be', () => expect(codes({})).toEqual(['DATABASE', 'CLOCK']))
  test.each([
    ['of an old Postgres', { version: 140_011 }, 'DATABASE_TOO_OLD'],
    ['nearly out of connections', { connections: { used: 80, max: 100 } }, 'DATABASE_CROWDED'],
    ['of another environment', { environment: 'production' }, 'DATABASE_OF_ANOTHER_ENVIRONMENT'],
    ['that was never migrated', { applied: null, environment: null }, 'DATABASE_UNMIGRATED'],
    [
      'of which an applied migration was edited',
      { applied: [{ name: '0000_base.sql', checksum: 'b' }] },
      'DATABASE_MIGRATION_CHANGED',
    ],
  ])('%s', (_what, over, code) => expect(codes(over)).toEqual([code, 'CLOCK']))
})

describe('a clock', () => {
  test('is not blamed for what the way of the answer explains', () => {
    const time = fc.integer({ min: 0, max: 1e9 })
    fc.assert(
      fc.property(time, fc.nat(60_000), fc.nat(60_000), fc.constantFrom(1, 1000), (before, way, back, resolutionMs) => {
        const theirs = Math.floor((before + way) / resolutionMs) * resolutionMs
        expect(skewOf({ whose: '', theirs, before, after: before + way + back, resolutionMs })).toBe(0)
      }),
    )
  })
  test.each([
    [4_000, 'ok'],
    [-6_000, 'warning'],
    [31_000, 'fault'],
    [-45_000, 'fault'],
  ])('%i ms off: %s', (skew, level) => {
    expect(judgeClock({ whose: 'it', theirs: 100_000 + skew, before: 100_000, after: 100_000, resolutionMs: 1 }).level).toBe(
      level,
    )
  })
})

describe('a run', () => {
  const look = (about: string, work: () => Promise<ReturnType<typeof ok>[]>) => ({ about, look: work })
  test('tells of every check, in order, whatever becomes of one', async () => {
    const never = Promise.withResolvers<never>()
    const checks = [
      look('first', () => Promise.resolve([ok('FINE', 'all is well')])),
      look('hangs', () => never.promise),
      look('throws', () => Promise.reject(new Error('on its way', { cause: new Error('down\n  at somewhere') }))),
    ]
    const found = await runChecks(checks, { timeoutMs: 10, secrets: [] })
    expect(found.map(({ about, level, code }) => [about, level, code])).toEqual([
      ['first', 'ok', 'FINE'],
      ['hangs', 'fault', 'NO_ANSWER'],
      ['throws', 'fault', 'CHECK_FAILED'],
    ])
    expect(found[2]?.seen).toBe('on its way: down')
  })

  test('shows no secret, whoever repeats it', async () => {
    const drawn = ['a-first-key-0001', 'a-second-key-002', 'c2VhbGVkLWtleQ==', 'pass%40word', 'hook-path-0001']
    const [first, second, sealed, password, hook] = drawn
    const env = {
      POOL_API_KEY: `${first}, ${second}`,
      SERVICES_ENCRYPTION_KEYS: `k1:${sealed}`,
      DATABASE_URL: `postgres://user:${password}@host/name`,
      ALERT_WEBHOOK_URL: `https://hooks.example/${hook}`,
      POOL_ENVIRONMENT: 'production',
    }
    const said = `${drawn.join(' ')} pass@word ${env.ALERT_WEBHOOK_URL} production`
    const [found] = await runChecks([look('x', () => Promise.resolve([{ ...ok('X', said), todo: said }]))], {
      timeoutMs: 10,
      secrets: secretsOf(env),
    })
    for (const secret of [first, second, sealed, password, 'pass@word', env.ALERT_WEBHOOK_URL])
      expect(`${found?.seen} ${found?.todo}`).not.toContain(secret)
    expect(found?.seen).toContain('production')
  })

  test('an error is told in one line, with its causes', () => {
    const cause = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:9')])
    expect(inWords(new Error('fetch failed', { cause }))).toBe('fetch failed: Error: connect ECONNREFUSED 127.0.0.1:9')
    const late = new Error('aborted')
    expect(inWords(new Error('it does not answer: aborted', { cause: late }))).toBe('it does not answer: aborted')
  })
})
