import type { ApiKey, Settings, SettingsValues } from '@convos/pool/contract'
import { formatNumber, plural } from '../ui/format.ts'

/** How many claims a key may make. */
export function limitsOf({ claimsPerMinute, claimsPerDay }: Pick<ApiKey, 'claimsPerMinute' | 'claimsPerDay'>): string {
  const limits = [
    claimsPerMinute === null ? null : `${formatNumber(claimsPerMinute)} a minute`,
    claimsPerDay === null ? null : `${formatNumber(claimsPerDay)} a day`,
  ].filter((limit) => limit !== null)
  return limits.length === 0 ? 'no limit' : limits.join(', ')
}

/** A whole number of 1 to a million; null: no limit; undefined: something else was typed. */
export function limitIn(text: string): number | null | undefined {
  if (text.trim() === '') return null
  const value = Number(text)
  return Number.isInteger(value) && value >= 1 && value <= 1_000_000 ? value : undefined
}

export type LimitName = Exclude<keyof SettingsValues, 'paused' | 'minIdle'>

interface Limit {
  label: string
  /** What it is for. */
  hint: string
  unit: string
  /** Of its unit in what the API says. */
  scale: number
  min: number
  max: number
  step: number
  /** What stands for no value; undefined: there is always one. */
  none: string | undefined
}

const MINUTE = 60_000

/** What is set here; target and pause are beside what they change, on the Pool page. */
export const LIMITS: Record<LimitName, Limit> = {
  maxTotal: {
    label: 'Cap',
    hint: 'Instances that may exist at all, claimed ones too. At the cap nothing new is created.',
    unit: 'instances',
    scale: 1,
    min: 1,
    max: 100_000,
    step: 1,
    none: 'no cap',
  },
  maxAgeHours: {
    label: 'Longest age',
    hint: 'Ready instances that are older are replaced, one by one.',
    unit: 'hours',
    scale: 1,
    min: 1,
    max: 8_760,
    step: 1,
    none: 'any age',
  },
  stuckTimeoutMs: {
    label: 'Time to become ready',
    hint: 'A deployment that takes longer counts as stuck.',
    unit: 'minutes',
    scale: MINUTE,
    min: 1,
    max: 24 * 60,
    step: 1,
    none: undefined,
  },
  pendingTimeoutMs: {
    label: 'Time to be let in',
    hint: 'How long an agent waits to be let into the conversation of an invite.',
    unit: 'minutes',
    scale: MINUTE,
    min: 1 / 60,
    max: 30 * 24 * 60,
    step: 0.001,
    none: undefined,
  },
}
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[]

const rounded = (value: number) => Math.round(value * 1000) / 1000

const LONGER = [
  ['day', 24 * 60],
  ['hour', 60],
] as const

/** Minutes in the largest unit that fits: "15 minutes", "1 day". */
function timeText(minutes: number): string {
  const [unit, size] = LONGER.find(([, of]) => minutes >= of && minutes % of === 0) ?? ['minute', 1]
  return plural(minutes / size, unit)
}

/** "15 minutes", "no cap". */
export function limitText(name: LimitName, settings: Pick<Settings, LimitName>): string {
  const { unit, scale, none = '' } = LIMITS[name]
  const value = settings[name]
  if (value === null) return none
  return scale === MINUTE ? timeText(rounded(value / scale)) : plural(value, unit.slice(0, -1))
}

/** What stands in its field; empty: none. */
export function fieldText(name: LimitName, settings: Pick<Settings, LimitName>): string {
  const value = settings[name]
  return value === null ? '' : String(rounded(value / LIMITS[name].scale))
}

/** What was typed as the API takes it, or what is wrong with it. */
export function readField(name: LimitName, text: string): { value: number | null } | { wrong: string } {
  const { scale, min, max, none, unit } = LIMITS[name]
  if (text.trim() === '') return none === undefined ? { wrong: 'It needs a number.' } : { value: null }
  const typed = Number(text)
  const value = Math.round(typed * scale)
  if (Number.isNaN(typed) || (scale === 1 && typed !== value)) return { wrong: 'It has to be a whole number.' }
  if (value < Math.round(min * scale) || value > max * scale)
    return { wrong: `It has to be between ${formatNumber(rounded(min))} and ${formatNumber(max)} ${unit}.` }
  return { value }
}
