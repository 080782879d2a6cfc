import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { doubles, perSecond, quantile, summarize, throughputRatio, windows } from '../src/stats.ts'

describe('a quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)

  test('is a measured value: the one that so many do not exceed', () => {
    expect(summarize(hundred)).toEqual({ n: 100, p50: 50, p99: 99, max: 100 })
    expect(summarize([7])).toEqual({ n: 1, p50: 7, p99: 7, max: 7 })
    expect(quantile([], 0.5)).toBeNaN()
  })

  test('leaves no more than its share above it, and does not disturb what it is taken of', () => {
    const values = fc.array(fc.double({ noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
        const before = [...all]
        const at = quantile(all, q)
        expect(all).toEqual(before)
        expect(all).toContain(at)
        expect(all.filter((value) => value > at).length).toBeLessThanOrEqual((1 - q) * all.length + 1e-9)
      }),
    )
  })
})

test('windows hold every sample once, by when it began', () => {
  const samples = [0, 9_999, 10_000, 25_000].map((at) => ({ at, ms: at / 1000 }))
  expect(windows(samples, 10_000)).toEqual([[0, 9.999], [10], [25]])
  expect(windows([], 10_000)).toEqual([])
})

test('throughput is of all turns together: a long one counts for more than a short one', () => {
  const ours = [
    { done: 100, ms: 1000 },
    { done: 800, ms: 2000 },
  ]
  expect(perSecond(ours)).toBe(300)
  expect(throughputRatio(ours, [{ done: 600, ms: 1000 }])).toBe(0.5)
})

test('doubles are counted without their first', () => {
  expect(doubles(['a', 'b', 'a', 'a'])).toBe(2)
  expect(doubles([])).toBe(0)
})
