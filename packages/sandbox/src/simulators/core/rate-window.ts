import type { SimClock } from './clock.ts'

export interface Taken {
  allowed: boolean
  used: number
  /** When the window ends and counting starts anew. */
  resetAt: Date
}

export interface RateWindow {
  /** Counts one more for `who`, unless the window is full. */
  take(who: string, limit: number): Taken
  clear(): void
}

/** A fixed window per caller that begins with its first request; a refused request does not extend it. */
export function rateWindow(clock: SimClock, windowMs: number): RateWindow {
  const windows = new Map<string, { used: number; endsAt: number }>()
  return {
    take(who, limit) {
      const now = clock.now().getTime()
      const open = windows.get(who)
      const window = open && open.endsAt > now ? open : { used: 0, endsAt: now + windowMs }
      windows.set(who, window)
      const allowed = window.used < limit
      if (allowed) window.used++
      return { allowed, used: window.used, resetAt: new Date(window.endsAt) }
    },
    clear: () => windows.clear(),
  }
}
