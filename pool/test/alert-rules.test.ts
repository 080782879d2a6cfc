import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Provider } from '../src/contract/index.ts'
import { LIMITS } from '../src/limits.ts'
import { type AlertFacts, alertsOf, unknownOf } from '../src/watch/rules.ts'

const NOW = new Date('2030-01-01T03:00:00Z')
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000)

const provider = (p: Partial<Provider> = {}): Provider => ({
  provider: 'openrouter',
  configured: true,
  health: 'ok',
  requests: 0,
  refused: 0,
  failed: 0,
  budget: null,
  left: null,
  windowStartedAt: null,
  blockedUntil: null,
  lastOkAt: null,
  lastError: null,
  lastErrorAt: null,
  creditRemaining: null,
  creditAt: null,
  ...p,
})
const facts = (p: Partial<AlertFacts> = {}): AlertFacts => ({
  target: 3,
  ready: 3,
  breakers: [],
  cap: null,
  tickedAt: ago(30),
  tickIntervalMs: 30_000,
  deleting: { count: 0, oldestSince: null },
  servicesAnsweredAt: ago(1),
  providers: [provider({ creditRemaining: 100 })],
  ...p,
})
const codes = (p: Partial<AlertFacts>, now = NOW) => alertsOf(facts(p), now, LIMITS).map(({ code }) => code)

describe('what fires', () => {
  test.each<[string, Partial<AlertFacts>, string[]]>([
    ['nothing while all is well', {}, []],
    ['an empty pool', { ready: 0 }, ['POOL_EMPTY']],
    ['but not one that is to be empty', { ready: 0, target: 0 }, []],
    ['an image on which creation keeps failing', { breakers: [{ image: 'runtime@sha256:1', failures: 3 }] }, ['BREAKER_OPEN']],
    ['a cap that is in the way', { cap: 'at most 5 instances are allowed, and 5 exist' }, ['CAP_REACHED']],
    ['a tick that is three intervals late', { tickedAt: ago(91) }, ['TICK_LATE']],
    ['but not one that is merely due', { tickedAt: ago(90) }, []],
    ['a deletion that takes more than an hour', { deleting: { count: 2, oldestSince: ago(3_601) } }, ['DELETIONS_STUCK']],
    ['but not one under way', { deleting: { count: 9, oldestSince: ago(3_600) } }, []],
    ['little credit', { providers: [provider({ creditRemaining: 19.99 })] }, ['CREDIT_LOW']],
    ['none at all', { providers: [provider({ creditRemaining: -1 })] }, ['CREDIT_LOW']],
    ['but not credit that nobody has measured', { providers: [provider()] }, []],
    ['services that has been silent for two minutes', { servicesAnsweredAt: ago(121) }, ['SERVICES_UNREACHABLE']],
    ['but not for less', { servicesAnsweredAt: ago(120) }, []],
    [
      'everything at once',
      { ready: 0, cap: 'x', tickedAt: ago(999), servicesAnsweredAt: ago(999), providers: null },
      ['POOL_EMPTY', 'CAP_REACHED', 'TICK_LATE', 'SERVICES_UNREACHABLE'],
    ],
  ])('%s', (_what, p, expected) => expect(codes(p)).toEqual(expected))

  test('each in a line that says what to look at', () => {
    const details = alertsOf(
      facts({
        ready: 0,
        breakers: [{ image: 'runtime@sha256:1', failures: 3 }],
        deleting: { count: 2, oldestSince: ago(7_200) },
        providers: [
          provider({ creditRemaining: 4.5, creditAt: '2030-01-01T02:00:00.000Z' }),
          provider({ provider: 'x', creditRemaining: 0 }),
        ],
      }),
      NOW,
      LIMITS,
    ).map(({ detail }) => detail)
    expect(details).toEqual([
      'no instance is ready; 3 are to be kept',
      'creation on runtime@sha256:1 failed 3 times in a row',
      '2 instances are being deleted, the longest since 2030-01-01T01:00:00.000Z',
      'openrouter: 4.50 USD left, as of 2030-01-01T02:00:00.000Z; x: no credit left',
    ])
  })
})

test('what cannot be known is neither wrong nor well', () => {
  expect(unknownOf(facts({ providers: null }))).toEqual(['CREDIT_LOW'])
  expect(unknownOf(facts())).toEqual([])
})

const date = fc.integer({ min: 0, max: 10_000 }).map(ago)
const anyFacts: fc.Arbitrary<AlertFacts> = fc.record({
  target: fc.nat(5),
  ready: fc.nat(5),
  breakers: fc.array(fc.record({ image: fc.string(), failures: fc.nat(9) }), { maxLength: 2 }),
  cap: fc.option(fc.string()),
  tickedAt: date,
  tickIntervalMs: fc.integer({ min: 100, max: 3_600_000 }),
  deleting: fc.record({ count: fc.nat(5), oldestSince: fc.option(date) }),
  servicesAnsweredAt: date,
  providers: fc.option(fc.array(fc.option(fc.integer({ min: -5, max: 50 })).map((n) => provider({ creditRemaining: n })))),
})

test('as long as nothing happens, time alone never ends an alert', () =>
  fc.assert(
    fc.property(anyFacts, fc.nat(7_200_000), (known, ms) => {
      const fired = (now: Date) => alertsOf(known, now, LIMITS).map(({ code }) => code)
      expect(fired(new Date(NOW.getTime() + ms))).toEqual(expect.arrayContaining(fired(NOW)))
    }),
  ))

test('none fires twice, none while it cannot be known', () =>
  fc.assert(
    fc.property(anyFacts, (known) => {
      const fired = alertsOf(known, NOW, LIMITS).map(({ code }) => code)
      expect(new Set(fired).size).toBe(fired.length)
      expect(unknownOf(known).filter((code) => fired.includes(code))).toEqual([])
    }),
  ))
