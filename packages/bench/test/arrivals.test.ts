import { expect, test } from 'vitest'
import { poissonArrivals } from '../src/arrivals.ts'

const arrivals = poissonArrivals({ perSecond: 45, forMs: 600_000, seed: 7 })

test('are the same for the same seed, and others for another', () => {
  expect(poissonArrivals({ perSecond: 45, forMs: 600_000, seed: 7 })).toEqual(arrivals)
  expect(poissonArrivals({ perSecond: 45, forMs: 600_000, seed: 8 })).not.toEqual(arrivals)
})

test('come in order, within their time, as often as asked for', () => {
  expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b))
  expect(arrivals.at(-1)).toBeLessThan(600_000)
  expect(arrivals.length / 600).toBeCloseTo(45, 0)
})

test('are independent: the gaps vary as much as they are long', () => {
  const gaps = arrivals.slice(1).map((at, n) => at - (arrivals[n] ?? 0))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  expect(deviation / mean).toBeCloseTo(1, 1)
})
