import type { Clock } from '@convos/kit'

/** Counts one more by `key`; how many ms are left of its window when there were too many, else null. */
export type Limiter = (key: string) => number | null

/** So many per key and window, in this process. */
export function createLimiter(clock: Clock, { max, perMs }: { max: number; perMs: number }): Limiter {
  /** All windows are of one length, so those that end first stand first. */
  const windows = new Map<string, { count: number; until: number }>()
  return (key) => {
    const now = clock.now().getTime()
    for (const [over, { until }] of windows) {
      if (until > now) break
      windows.delete(over)
    }
    const mine = windows.get(key) ?? { count: 0, until: now + perMs }
    mine.count++
    windows.set(key, mine)
    return mine.count > max ? mine.until - now : null
  }
}
