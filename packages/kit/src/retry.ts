/**
 * Exponential backoff with full jitter above half: attempt 1 waits `baseMs`/2…`baseMs`, doubling up to `capMs`.
 * Jitter keeps many that failed together from coming back together.
 */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: () => number = Math.random): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(ceiling / 2 + (ceiling / 2) * random())
}
