import type { Queryable } from '@convos/kit'
import type { InstanceSort, Status } from '../contract/index.ts'
import type { Place } from '../listing.ts'
import { COLUMNS, type InstanceRow } from './instances.ts'

export type ListedRow = InstanceRow & { sort_key: string | null }

export interface ListingQuery {
  statuses: readonly Status[] | null
  template: string | null
  owner: string | null
  principal: string | null
  image: string | null
  text: string | null
  after: Place | null
  limit: number
}

/** By what rows are sorted, and its type; what comes from outside is only which of these. */
const KEYS: Record<InstanceSort, { column: string; type: 'timestamptz' | 'text' }> = {
  createdAt: { column: 'i.created_at', type: 'timestamptz' },
  readyAt: { column: 'i.ready_at', type: 'timestamptz' },
  claimedAt: { column: 'i.claimed_at', type: 'timestamptz' },
  lastActivityAt: { column: 'i.last_activity_at', type: 'timestamptz' },
  agentName: { column: 'i.agent_name', type: 'text' },
  status: { column: 'i.status', type: 'text' },
}

/** To the microsecond, which a Date would lose: rows of the same millisecond have an order too. */
const printed = ({ column, type }: (typeof KEYS)[InstanceSort]): string =>
  type === 'text' ? column : `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** The instances after a place in the given order; rows without the key come last, in the order of their ids. */
export async function listPage(
  db: Queryable,
  { sort, order }: { sort: InstanceSort; order: 'asc' | 'desc' },
  p: ListingQuery,
): Promise<ListedRow[]> {
  const { column, type } = KEYS[sort]
  const beyond = order === 'asc' ? '>' : '<'
  const { rows } = await db.query<ListedRow>({
    name: `list_page_${sort}_${order}`,
    values: [
      p.statuses,
      p.template,
      p.owner,
      p.principal,
      p.image,
      p.text,
      p.after !== null,
      p.after?.key ?? null,
      p.after?.id ?? null,
      p.limit,
    ],
    text: `
      select ${COLUMNS}, ${printed(KEYS[sort])} as sort_key
      from instances i
      where ($1::text[] is null or i.status = any($1))
        and ($2::text is null or i.template_id = $2)
        and ($3::text is null or i.owner_id = $3 or lower(i.owner_address) = lower($3))
        and ($4::text is null or i.principal = $4)
        and ($5::text is null or i.image = $5)
        and ($6::text is null or strpos(i.id, lower($6)) > 0 or strpos(lower(i.agent_name), lower($6)) > 0)
        and (not $7::boolean or case
          when $8::${type} is null then ${column} is null and i.id ${beyond} $9::text
          else ${column} is null or (${column}, i.id) ${beyond} ($8::${type}, $9::text) end)
      order by ${column} is null, ${column} ${order}, i.id ${order} limit $10`,
  })
  return rows
}
