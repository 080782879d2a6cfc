const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What is expensive to make: a phone takes longer for a calendar and its time zones than for all else that this app is begun with. */
function onceNeeded<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

const figures = onceNeeded(() => new Intl.NumberFormat())
const clockTime = onceNeeded(() => new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }))
const fullTime = onceNeeded(() => new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' }))

/** 1234 → "1,234", as the viewer writes it. */
export const formatNumber = (n: number): string => figures().format(n)

/** "14:03:21" in the viewer's zone. */
export const formatClock = (at: number): string => clockTime().format(at)

/** The whole date and time in the viewer's zone. */
export const formatMoment = (at: number): string => fullTime().format(at)

/** An age in one unit: "42 s", "12 min", "3 h", "2 d"; clocks that disagree make none negative. */
export function formatAge(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / 1000))} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`
  return `${Math.floor(ms / DAY)} d`
}

/** How long something took: "85 ms", "1.2 s", "2 min 5 s", "3 h 20 min". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${(ms / 1000).toFixed(1)} s`
  const [whole, rest, words] = ms < HOUR ? [MINUTE, 1000, ['min', 's']] : [HOUR, MINUTE, ['h', 'min']]
  const left = Math.floor((ms % whole) / rest)
  return `${Math.floor(ms / whole)} ${words[0]}${left > 0 ? ` ${left} ${words[1]}` : ''}`
}

/** "1 instance", "5 instances". */
export const plural = (n: number, one: string, many = `${one}s`): string => `${formatNumber(n)} ${n === 1 ? one : many}`

/** A message of the API, which begins small and ends bare, as a sentence. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.')

/** `ghcr.io/x/runtime@sha256:0123…` → the first 12 characters of the digest; anything else as it is. */
export const shortDigest = (image: string): string => /@sha256:([0-9a-f]{12})/.exec(image)?.[1] ?? image

/** The address as a URL if a browser may be sent there. */
export function webUrl(address: string | null): URL | null {
  if (address === null || !URL.canParse(address)) return null
  const url = new URL(address)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null
}
