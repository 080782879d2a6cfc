export interface Credit {
  /** USD. */
  limit: number
  used: number
  /** 0 to 1. */
  share: number
  /** `daily`, …; null: never. */
  reset: string | null
}

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

/** The credit that a tool's sample tells, if it tells any. */
export function creditOf(sample: Record<string, unknown>): Credit | null {
  const limit = number(sample['limit'])
  const used = number(sample['used'])
  if (limit === null || used === null || limit <= 0) return null
  const reset = sample['reset']
  return { limit, used, share: Math.min(1, Math.max(0, used / limit)), reset: typeof reset === 'string' ? reset : null }
}

/** Why nothing is left, in words. */
export function exhaustedIn(sample: Record<string, unknown>): string | null {
  if (sample['exhausted'] === 'account_empty') return 'The account has no money left: a higher limit does not help.'
  if (sample['exhausted'] === 'key_limit') return 'It has used up its limit: raise it, or wait for the reset.'
  return null
}

/** What else a sample tells, as words and values. */
export const factsIn = (values: Record<string, unknown>): [name: string, value: string][] =>
  Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [inWords(name), typeof value === 'string' ? value : JSON.stringify(value)])

/** `usedToday` → "used today" */
const inWords = (name: string) =>
  name.replaceAll(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)

export const formatUsd = (usd: number): string =>
  usd.toLocaleString(undefined, { style: 'currency', currency: 'USD', maximumFractionDigits: 2 })
