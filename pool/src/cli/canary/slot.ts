/** A stretch of time in which a canary claims once: its keys and the end of what it claims follow from it alone. */
export interface Slot {
  /** The same for every canary that runs at this interval, whenever it was started. */
  name: string
  startsAt: Date
  endsAt: Date
  /** When what it claimed ends by itself, should nobody be left to give it up. */
  expiresAt: Date
}

const GRACE_MS = 15 * 60_000

export function slotOf(now: Date, everyMs: number): Slot {
  const starts = Math.floor(now.getTime() / everyMs) * everyMs
  const startsAt = new Date(starts)
  return {
    name: `canary-${everyMs / 1000}-${startsAt.toISOString()}`,
    startsAt,
    endsAt: new Date(starts + everyMs),
    expiresAt: new Date(starts + everyMs + GRACE_MS),
  }
}

/** The Idempotency-Key of the slot's nth claim; the next one is for when the agent of this one is gone. */
export const keyOf = (slot: Slot, n: number): string => `${slot.name}-${n}`

/** The same for the same slot, or it would not be the same claim. */
export const bodyOf = (slot: Slot) => ({
  agentName: 'canary',
  instructions: 'You are claimed by a check of this pool and given up at once. Say nothing unless you are asked.',
  expiresAt: slot.expiresAt.toISOString(),
})

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a duration such as `90s`, `15m`, `1h`; null where it is none, or not between a second and a week. */
export function parseDuration(text: string): number | null {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const ms = Number(count) * (UNITS[unit] ?? NaN)
  return ms >= 1_000 && ms <= 7 * 86_400_000 ? ms : null
}
