import { describe, expect, test } from 'vitest'
import { charge, CreateKey, issueKey, periodStart, remaining } from '../src/simulators/openrouter/keys.ts'

const at = (iso: string) => new Date(iso)

describe('a key’s limit', () => {
  test('counts the whole usage when it never resets', () => {
    const { record } = issueKey(CreateKey.parse({ name: 'k', limit: 1 }), at('2030-01-01T00:00:00Z'))
    const spent = charge(charge(record, 0.4, at('2030-01-01T00:00:00Z')), 0.4, at('2031-07-01T00:00:00Z'))
    expect(remaining(spent, at('2031-07-01T00:00:00Z'))).toBe(0.2)
  })

  test('starts afresh with each period, while the usage keeps the total', () => {
    const { record } = issueKey(CreateKey.parse({ name: 'k', limit: 1, limit_reset: 'monthly' }), at('2030-01-05T00:00:00Z'))
    const spent = charge(record, 1, at('2030-01-31T23:59:59Z'))
    expect(remaining(spent, at('2030-01-31T23:59:59Z'))).toBe(0)
    expect(remaining(spent, at('2030-02-01T00:00:00Z'))).toBe(1)
    expect(spent.usage).toBe(1)
  })

  test('knows no bounds without one', () => {
    const { record } = issueKey(CreateKey.parse({ name: 'k' }), at('2030-01-01T00:00:00Z'))
    expect(remaining(charge(record, 1_000, at('2030-01-01T00:00:00Z')), at('2030-01-01T00:00:00Z'))).toBeNull()
  })

  test.each([
    ['daily', '2030-01-02T00:00:00.000Z'],
    ['weekly', '2029-12-31T00:00:00.000Z'],
    ['monthly', '2030-01-01T00:00:00.000Z'],
  ] as const)('a %s period seen on Wednesday 2 January 2030 began %s', (reset, start) => {
    expect(periodStart(reset, at('2030-01-02T15:00:00Z'))).toBe(start)
  })

  test('Sunday belongs to the week of the Monday before', () => {
    expect(periodStart('weekly', at('2030-01-06T23:59:59Z'))).toBe('2029-12-31T00:00:00.000Z')
  })
})

test.each(['2030-01-01T00:00Z', '2030-01-01T00:00:00+01:00', 'tomorrow'])('an expiry of %s is refused', (expires_at) => {
  expect(CreateKey.safeParse({ name: 'k', expires_at }).success).toBe(false)
})
