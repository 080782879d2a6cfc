import type { Queryable } from '@convos/kit'
import type { ClaimError } from './claims.ts'

/** Whoever brings a nonce that another claim has, or had. */
export const NONCE_USED: ClaimError = {
  status: 401,
  code: 'BAD_SIGNATURE',
  detail: 'the nonce of ownerMessage was used for another claim; ask for another challenge',
}

/** What a claim is judged by as it comes in: the database's time, and whether its nonce was used or belongs to a live claim. */
export interface EntryFacts {
  now: Date
  nonceTaken: boolean
}

export async function readEntryFacts(db: Queryable, nonce: string | null): Promise<EntryFacts> {
  const { rows } = await db.query<EntryFacts>({
    name: 'read_entry_facts',
    values: [nonce],
    text: `
      select clock_now() as now,
        exists (select 1 from used_nonces where nonce = $1)
          or exists (select 1 from claims where owner_nonce = $1 and state in ('queued', 'running', 'pending', 'done')) as "nonceTaken"`,
  })
  if (!rows[0]) throw new Error('a select without a table answers one row')
  return rows[0]
}
