import { judgeClock } from './clock.ts'
import { inWords } from '../words.ts'
import { type Seen, unverified } from './finding.ts'

export interface Answered {
  status: number
  /** Parsed JSON; null where it was none. */
  body: unknown
  /** The `Date` header, ms since the epoch; null where there was none. */
  date: number | null
  before: number
  after: number
}

/** More than this of a stranger's answer is not read. */
const MAX_CHARS = 64 * 1024

/** One GET, no redirect. @throws Error that says in words why there was no answer */
export async function ask(url: string, timeoutMs: number): Promise<Answered> {
  const before = Date.now()
  try {
    const res = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    const after = Date.now()
    const date = Date.parse(res.headers.get('date') ?? '')
    const text = (await res.text()).slice(0, MAX_CHARS)
    return { status: res.status, body: parsed(text), date: Number.isNaN(date) ? null : date, before, after }
  } catch (err) {
    throw new Error(`${new URL(url).origin} cannot be reached: ${inWords(err)}`, { cause: err })
  }
}

/** How the clock behind a URL goes, by the date that every answer carries, whatever else it says. */
export async function lookAtClock(whose: string, url: string, timeoutMs: number): Promise<Seen> {
  try {
    // a clock that cannot be read in time must not take those beside it along
    const { date, before, after } = await ask(url, timeoutMs / 2)
    if (date === null) return unverified('CLOCK', `${whose} tells no date`)
    return judgeClock({ whose: `the clock of ${whose}`, theirs: date, before, after, resolutionMs: 1000 })
  } catch (err) {
    return unverified('CLOCK', `the clock of ${whose} cannot be read: ${inWords(err)}`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
