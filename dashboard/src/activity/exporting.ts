import type { Activity, InstanceEvent } from '@convos/pool/contract'
import { csvHead, csvRows, jsonLines } from './csv.ts'

export const FORMATS = { csv: 'CSV, for spreadsheets', jsonl: 'JSON, one event per line' } as const
export type Format = keyof typeof FORMATS

/** A file is not larger than this; what is older is left out, and said so. */
export const MOST_BYTES = 25_000_000

/** What was gathered so far, from the end of the log backwards. */
export interface Gathered {
  /** Pieces of the file, the latest events first. */
  pieces: readonly string[]
  bytes: number
  count: number
  /** The oldest and the latest event that it has. */
  from: string | null
  to: string | null
  /** Where to go on; null: that was all. */
  before: string | null
  /** It has become too large to go on. */
  isCut: boolean
}

export const nothingYet: Gathered = {
  pieces: [],
  bytes: 0,
  count: 0,
  from: null,
  to: null,
  before: null,
  isCut: false,
}

const WRITE: Record<Format, (events: readonly InstanceEvent[]) => string> = { csv: csvRows, jsonl: jsonLines }
const encoder = new TextEncoder()

function withPage(so: Gathered, { events, earlier }: Activity, format: Format, most: number): Gathered {
  const piece = WRITE[format](events)
  const bytes = so.bytes + encoder.encode(piece).length
  // a page that does not fit is left out whole
  if (bytes > most) return { ...so, isCut: true }
  return {
    pieces: events.length === 0 ? so.pieces : [...so.pieces, piece],
    bytes,
    count: so.count + events.length,
    from: events[0]?.at ?? so.from,
    to: so.to ?? events.at(-1)?.at ?? null,
    before: earlier,
    isCut: false,
  }
}

/**
 * Goes on gathering until the log, the room or the patience (`signal`) ends, and tells of each page.
 * @throws ApiError; what was told before holds, and can be gone on from
 */
export async function gather(p: {
  from: Gathered
  format: Format
  read: (before: string | undefined) => Promise<Activity>
  tell: (so: Gathered) => void
  signal: AbortSignal
  most?: number
}): Promise<Gathered> {
  let so = p.from
  do {
    const page = await p.read(so.before ?? undefined)
    if (p.signal.aborted) return so
    so = withPage(so, page, p.format, p.most ?? MOST_BYTES)
    p.tell(so)
  } while (so.before !== null && !so.isCut)
  return so
}

/** The whole file, oldest event first. */
export const fileOf = ({ pieces }: Gathered, format: Format): Blob =>
  new Blob([format === 'csv' ? csvHead : '', ...pieces.toReversed()], {
    type: format === 'csv' ? 'text/csv;charset=utf-8' : 'application/x-ndjson',
  })

const stamp = (at: string) => at.slice(0, 19).replaceAll(/[-:]/g, '')

/** Says of what it is: `activity-staging-20300101T000000-20300102T000000.csv`; `part`: the older ones are not in it. */
export function fileName({ from, to, before }: Gathered, format: Format, environment: string): string {
  const span = from === null || to === null ? ['empty'] : [stamp(from), stamp(to)]
  return `${['activity', environment, ...span, ...(before === null ? [] : ['part'])].join('-')}.${format}`
}
