import { fault, ok, type Seen, warning } from './finding.ts'

/** Leases and probes bear a few seconds; signatures, webhooks and sessions nothing like half a minute. */
const WARN_MS = 5_000
const FAULT_MS = 30_000

export interface ClockReading {
  whose: string
  /** What that clock said, between our two looks at ours; ms since the epoch. */
  theirs: number
  before: number
  after: number
  /** How coarse its answer is, ms. */
  resolutionMs: number
}

/** How far apart two clocks are at the least; what a slow answer explains is no skew. */
export function skewOf({ theirs, before, after, resolutionMs }: ClockReading): number {
  if (theirs > after) return theirs - after
  return theirs + resolutionMs < before ? theirs + resolutionMs - before : 0
}

export function judgeClock(reading: ClockReading): Seen {
  const skew = skewOf(reading)
  const { whose } = reading
  const seconds = `${Math.round(Math.abs(skew) / 100) / 10} s`
  if (Math.abs(skew) < WARN_MS) return ok('CLOCK', `${whose} agrees with this machine`)
  const seen = `${whose} is ${seconds} ${skew > 0 ? 'ahead of' : 'behind'} this machine`
  const todo = 'find out which of the two is wrong, and have it set by NTP'
  return Math.abs(skew) >= FAULT_MS ? fault('CLOCK_SKEW', seen, todo) : warning('CLOCK_SKEW', seen, todo)
}
