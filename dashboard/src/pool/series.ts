import type { Stats, StatsPoint } from '@convos/pool/contract'

/** What the supply line draws; times in seconds, as the chart wants them. */
export interface Supply {
  at: number[]
  ready: (number | null)[]
  target: (number | null)[]
  /** When claims ended: how many got their agent, and how many found the pool empty. */
  claims: { at: number; done: number; empty: number }[]
  /** From when to when instances were being made. */
  refills: { from: number; to: number }[]
}

const isRefill = ({ instances, creations }: StatsPoint): boolean =>
  (instances?.starting ?? 0) > 0 || (creations?.created ?? 0) > 0

/** The series of a window, ended with what is true now. */
export function supplyOf({ points, stepSeconds }: Stats, now: { at: number; ready: number; target: number }): Supply {
  const seconds = points.map(({ at }) => Date.parse(at) / 1000)
  const known = points.flatMap((point, i) => ({ point, at: seconds[i] ?? 0 })).filter(({ at }) => at <= now.at)
  const refills: Supply['refills'] = []
  for (const { point, at } of known) {
    if (!isRefill(point)) continue
    const last = refills.at(-1)
    const to = Math.min(at + stepSeconds, now.at)
    if (last?.to === at) last.to = to
    else refills.push({ from: at, to })
  }
  return {
    at: [...known.map(({ at }) => at), now.at],
    ready: [...known.map(({ point }) => point.instances?.ready ?? null), now.ready],
    target: [...known.map(({ point }) => point.target), now.target],
    claims: known
      .map(({ point: { claims }, at }) => ({ at: at + stepSeconds / 2, done: claims?.done ?? 0, empty: claims?.empty ?? 0 }))
      .filter(({ done, empty }) => done + empty > 0),
    refills,
  }
}

/** A window in a few figures; null where nothing is known. */
export interface Figures {
  claims: { done: number; failed: number; empty: number }
  /** The mean of the steps' medians, each as heavy as its claims, ms. */
  p50Ms: number | null
  /** Of the worst step, ms. */
  p95Ms: number | null
  p99Ms: number | null
  /** Of those done, how many got their agent at once, 0 … 1. */
  hitRatio: number | null
  warmUpMs: number | null
  creations: { ready: number; failed: number }
}

export function figuresOf({ points }: Stats): Figures {
  const claims = points.flatMap((point) => point.claims ?? [])
  const creations = points.flatMap((point) => point.creations ?? [])
  const sum = <T>(list: readonly T[], of: (one: T) => number) => list.reduce((total, one) => total + of(one), 0)
  const done = sum(claims, (one) => one.done)
  return {
    claims: { done, failed: sum(claims, (one) => one.failed), empty: sum(claims, (one) => one.empty) },
    p50Ms: weighted(claims.map(({ p50Ms, done: weight }) => ({ value: p50Ms, weight }))),
    p95Ms: worst(claims.map(({ p95Ms }) => p95Ms)),
    p99Ms: worst(claims.map(({ p99Ms }) => p99Ms)),
    hitRatio: done === 0 ? null : sum(claims, (one) => one.hit) / done,
    warmUpMs: weighted(creations.map(({ warmUpMs, ready }) => ({ value: warmUpMs, weight: ready }))),
    creations: { ready: sum(creations, (one) => one.ready), failed: sum(creations, (one) => one.failed) },
  }
}

function worst(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function weighted(values: readonly { value: number | null; weight: number }[]): number | null {
  const known = values.filter((one): one is { value: number; weight: number } => one.value !== null && one.weight > 0)
  const weight = known.reduce((total, one) => total + one.weight, 0)
  return weight === 0 ? null : known.reduce((total, one) => total + one.value * one.weight, 0) / weight
}

/** The steps of a window in which something was noted, the latest first, for whoever reads rather than looks. */
export const rowsOf = ({ points }: Stats): StatsPoint[] =>
  points.filter(({ instances, claims }) => instances ?? claims).toReversed()

/** A line through the values as an SVG path in a box of this size; gaps stay gaps. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): string {
  const most = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE)
  const step = width / Math.max(1, values.length - 1)
  let path = ''
  for (const [i, value] of values.entries()) {
    if (value === null) continue
    const isStart = i === 0 || values[i - 1] === null
    path += `${isStart ? 'M' : 'L'}${(i * step).toFixed(1)} ${(height - (value / most) * height).toFixed(1)}`
    // a lone value is a dot
    if (isStart && (values[i + 1] ?? null) === null) path += 'h.01'
  }
  return path
}
