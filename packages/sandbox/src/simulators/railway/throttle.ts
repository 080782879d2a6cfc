/** One creation per interval for each key; a refused attempt does not extend the wait. */
export function takeSlot(lastAt: Record<string, number>, key: string, now: Date, intervalMs: number): boolean {
  const last = lastAt[key]
  if (last !== undefined && now.getTime() - last < intervalMs) return false
  lastAt[key] = now.getTime()
  return true
}
