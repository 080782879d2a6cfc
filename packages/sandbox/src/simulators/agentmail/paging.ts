import { z } from 'zod'
import { invalidField } from './errors.ts'

/** The real ones are not documented. */
const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** The place of a row in the order of creation: page tokens stay good while rows come and go. */
export interface Row {
  seq: number
}

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).default(DEFAULT_LIMIT),
  page_token: z.string().min(1).optional(),
  ascending: z.enum(['true', 'false']).default('false'),
})

/** One page of rows, the newest first unless asked otherwise; `head` is what the answer says beside them. */
export function page<T extends Row>(rows: T[], query: z.infer<typeof PageQuery>) {
  const limit = Math.min(query.limit, MAX_LIMIT)
  const direction = query.ascending === 'true' ? 1 : -1
  const after = query.page_token === undefined ? undefined : seqOf(query.page_token)
  const rest = rows
    .filter(({ seq }) => after === undefined || (seq - after) * direction > 0)
    .toSorted((a, b) => (a.seq - b.seq) * direction)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  const head = { count: items.length, limit, ...(last && rest.length > limit && { next_page_token: tokenFor(last.seq) }) }
  return { head, items }
}

const tokenFor = (seq: number) => Buffer.from(`after:${seq}`).toString('base64url')

function seqOf(token: string): number {
  const seq = /^after:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1]
  if (seq === undefined) throw invalidField('page_token', 'Invalid page token')
  return Number(seq)
}
