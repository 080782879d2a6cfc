/** The arithmetic of the report; pure. Times are in ms. */

/** The smallest value that at least the share `q` of all values does not exceed; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN
}

export interface Summary {
  n: number
  p50: number
  p99: number
  max: number
}

export const summarize = (values: readonly number[]): Summary => ({
  n: values.length,
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
  max: quantile(values, 1),
})

/** The values of each window of `everyMs`, by when they began; the last one may be a part of a window. */
export function windows(samples: readonly { at: number; ms: number }[], everyMs: number): number[][] {
  const count = Math.floor(Math.max(-everyMs, ...samples.map(({ at }) => at)) / everyMs) + 1
  const split: number[][] = Array.from({ length: count }, () => [])
  for (const { at, ms } of samples) split[Math.floor(at / everyMs)]?.push(ms)
  return split
}

/** A rate measured in turns: so much was done, in so long. */
export interface Turn {
  done: number
  ms: number
}

/** What one does in the time that the other does one: of all turns together, so that each counts by its length. */
export const throughputRatio = (ours: readonly Turn[], theirs: readonly Turn[]): number => perSecond(ours) / perSecond(theirs)

export function perSecond(turns: readonly Turn[]): number {
  const total = turns.reduce((sum, turn) => ({ done: sum.done + turn.done, ms: sum.ms + turn.ms }), { done: 0, ms: 0 })
  return (total.done / total.ms) * 1000
}

/** How many of the values there are more than once, counted without their first. */
export const doubles = (values: readonly string[]): number => values.length - new Set(values).size
