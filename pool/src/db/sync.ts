import type { Queryable } from '@convos/kit'

/** Which of a template's fields a claimer chose otherwise. */
export type Override = 'agentName' | 'instructions' | 'model'

/** The claimed instances that were made from a template, oldest first. */
export async function listClaimedFrom(db: Queryable, templateId: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'list_claimed_from',
    values: [templateId],
    text: `select id from instances where template_id = $1 and status = 'claimed' order by created_at, id`,
  })
  return rows.map((row) => row.id)
}

/** What an agent was told; `overrides` is null where nobody wrote down what its claimer chose. */
export interface ToldRow {
  instructions: string | null
  overrides: Override[] | null
}

export async function readTold(db: Queryable, id: string): Promise<ToldRow | null> {
  const { rows } = await db.query<ToldRow>({
    name: 'read_told',
    values: [id],
    text: 'select instructions, overrides from instances where id = $1',
  })
  return rows[0] ?? null
}

/**
 * An agent was given what its template says: only while it still is that claim's, and only if the template has not gone on since,
 * so that of two that sync it the one with the later version has the last word. Null: it is no longer claimed; false: it has.
 */
export async function recordSynced(
  db: Queryable,
  p: {
    id: string
    claimId: string | null
    templateId: string
    version: number
    /** Absent: it stays as it is. */
    instructions: string | undefined
    /** Null: none of its own any more. */
    model: string | null | undefined
    actor: string
    requestId: string | null
  },
): Promise<boolean | null> {
  const { rows } = await db.query<{ synced: boolean; latest: boolean | null }>({
    name: 'record_synced',
    values: [
      p.id,
      p.claimId,
      p.templateId,
      p.version,
      p.instructions ?? null,
      p.model ?? null,
      p.actor,
      p.requestId,
      p.model !== undefined,
    ],
    text: `
      with latest as (
        select version = $4 as holds from agent_templates where id = $3
      ), synced as (
        update instances set instructions = coalesce($5, instructions), model = case when $9 then $6 else model end,
          template_version = $4, template_synced_at = clock_now()
        where id = $1 and status = 'claimed' and claim_id = $2 and template_id = $3 and (select holds from latest)
        returning id, claim_id
      ), noted as (
        insert into instance_events (instance_id, claim_id, type, actor, request_id, detail)
        select id, claim_id, 'synced', $7, $8, jsonb_build_object('templateId', $3::text, 'version', $4::int) from synced
      )
      select exists (select from synced) as synced, (select holds from latest) as latest`,
  })
  const [row] = rows
  if (row?.synced) return true
  return row?.latest === false ? false : null
}
