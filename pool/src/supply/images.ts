import type { Limits } from '../limits.ts'

/** Creations whose image services chose by itself are counted under this name: the wanted one was not known yet. */
export const UNRESOLVED = 'unresolved'

/** How creations on one image went: what its trust and its breaker follow from. */
export interface ImageRecord {
  image: string
  trusted_at: Date | null
  last_ready_at: Date | null
  failures: number
  failed_at: Date | null
  openings: number
  opened_at: Date | null
  retry_at: Date | null
}

export type Breaker = 'closed' | 'open' | 'half_open'

/** Open while nothing is tried, half open once one instance may be tried: it stays so until one becomes ready. */
export function breakerOf({ opened_at, retry_at }: ImageRecord, now: Date): Breaker {
  if (opened_at === null) return 'closed'
  return retry_at !== null && retry_at > now ? 'open' : 'half_open'
}

/** An instance on it became ready: trusted, and whatever failed before is forgotten. */
export const afterSuccess = (record: ImageRecord, at: Date): ImageRecord => ({
  ...record,
  trusted_at: record.trusted_at ?? at,
  last_ready_at: at,
  ...CLOSED,
})

const CLOSED = { failures: 0, failed_at: null, openings: 0, opened_at: null, retry_at: null } as const

/** As an operator resets it: the next instance is tried at once. */
export const afterReset = (record: ImageRecord): ImageRecord => ({ ...record, ...CLOSED })

/**
 * A creation on it failed: the next try waits, ever longer, and after a few failures in a row the breaker opens. Twenty that
 * were under way together and fail together lengthen the pause once: only what was begun after the last opening opens it again.
 * @param jitter 0…1: so that many pools do not try again at the same moment
 */
export function afterFailure(
  record: ImageRecord,
  { createdAt, at, jitter }: { createdAt: Date; at: Date; jitter: number },
  limits: Limits,
): ImageRecord {
  const failures = record.failures + 1
  const isNewRound = record.failed_at === null || createdAt > record.failed_at
  const opens = failures >= limits.breakerAfter && (record.opened_at === null || createdAt > record.opened_at)
  const openings = record.openings + (opens ? 1 : 0)
  const failed = { ...record, failures, failed_at: at, openings, opened_at: opens ? at : record.opened_at }
  if (!opens && !(isNewRound && record.opened_at === null)) return failed
  const pauseMs = opens
    ? Math.min(limits.breakerCapMs, limits.breakerMs * 2 ** (openings - 1))
    : limits.createBackoffMs * 2 ** (failures - 1)
  return { ...failed, retry_at: new Date(at.getTime() + pauseMs * (1 + limits.jitterShare * jitter)) }
}

export interface Choice {
  image: string
  /** How many may be created on it now. */
  allows: number
  /** Nothing more before; null where that is not a matter of time. */
  until: Date | null
}

/**
 * What may be created on which image now: on the wanted one, and where that one is not trusted or its breaker is open, on the
 * image that was trusted last. One that is not trusted yet, or is tried again, has one creation in flight.
 */
export function chooseImages(p: {
  wanted: string | null
  images: readonly ImageRecord[]
  startingOn: ReadonlyMap<string, number>
  now: Date
}): Choice[] {
  const wanted = p.wanted ?? UNRESOLVED
  const records = new Map(p.images.map((record) => [record.image, record]))
  const first = allowance(wanted, records.get(wanted), p)
  if (first.isEnough) return [first.choice]
  const [trusted] = p.images
    .filter((record) => record.image !== wanted && record.image !== UNRESOLVED && record.trusted_at !== null)
    .toSorted((a, b) => openRank(a) - openRank(b) || lastReady(b) - lastReady(a))
  return trusted ? [first.choice, allowance(trusted.image, trusted, p).choice] : [first.choice]
}

const openRank = (record: ImageRecord) => (record.opened_at === null ? 0 : 1)
const lastReady = (record: ImageRecord) => record.last_ready_at?.getTime() ?? 0

function allowance(
  image: string,
  record: ImageRecord | undefined,
  { startingOn, now }: { startingOn: ReadonlyMap<string, number>; now: Date },
): { choice: Choice; isEnough: boolean } {
  const until = record?.retry_at && record.retry_at > now ? record.retry_at : null
  const isEnough = record?.trusted_at !== null && record?.trusted_at !== undefined && record.opened_at === null
  const oneByOne = Math.max(0, 1 - (startingOn.get(image) ?? 0))
  return { choice: { image, allows: until ? 0 : isEnough ? Infinity : oneByOne, until }, isEnough }
}
