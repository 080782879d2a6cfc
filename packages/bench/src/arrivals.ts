/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** When each of independent arrivals comes, ms from the start: `perSecond` of them on average, for `forMs`. */
export function poissonArrivals(p: { perSecond: number; forMs: number; seed: number }): number[] {
  const next = random(p.seed)
  const arrivals: number[] = []
  for (let at = 0; ;) {
    at += (-Math.log(1 - next()) * 1000) / p.perSecond
    if (at >= p.forMs) return arrivals
    arrivals.push(at)
  }
}
