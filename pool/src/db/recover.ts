/** What is written of instances that this database has lost, or never knew whose they are. */
import type { Queryable } from '@convos/kit'
import type { Recovery, RecoveryRow } from '../recover/plan.ts'

export async function listRecoveryRows(db: Queryable): Promise<RecoveryRow[]> {
  const { rows } = await db.query<RecoveryRow>({
    name: 'list_recovery_rows',
    text: 'select id, status, claim_id, conversation_id from instances',
  })
  return rows
}

/** Those of the given claims that this database has ever heard of. */
export async function knownClaims(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>({
    name: 'known_claims',
    values: [ids],
    text: `
      select id from claims where id = any($1)
      union select claim_id from instances where claim_id = any($1)
      union select claim_id from instance_events where claim_id = any($1)`,
  })
  return new Set(rows.map(({ id }) => id))
}

/**
 * A row for an instance that services has and this database does not know; false when there is one by now. What has ever answered is
 * no creation under way: what becomes of it now says nothing of how they go.
 */
export async function addRecovered(tx: Queryable, p: Extract<Recovery, { kind: 'add' }>): Promise<boolean> {
  const { belongs, detail } = p
  const { health } = detail
  const owned = p.as === 'crashed'
  const seen = health && { ready: health.ready, clean: health.clean, binding: health.binding, at: health.at }
  const { rowCount } = await tx.query({
    name: 'add_recovered',
    values: [
      p.id,
      p.as,
      p.why,
      owned,
      owned ? belongs.claimId : null,
      owned ? belongs.conversationId : null,
      owned ? belongs.inviteUrl : null,
      owned ? belongs.agentName : null,
      detail.url,
      detail.image,
      detail.state,
      detail.phaseSince,
      seen && JSON.stringify(seen),
      JSON.stringify(detail.tools),
      p.createdAt,
    ],
    text: `
      with added as (
        insert into instances (id, status, status_reason, touched_at, claim_id, conversation_id, invite_url, agent_name, url, image,
          phase, phase_since, health, tools, created_at, ready_at)
        values ($1, $2, $3, case when $4::boolean then clock_now() end, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14::jsonb, $15,
          case when $13::jsonb is not null then $15::timestamptz end)
        on conflict do nothing returning id, claim_id
      )
      insert into instance_events (instance_id, claim_id, type, to_status, reason, actor)
      select id, claim_id, 'recovered_row', $2, $3, 'enrich' from added`,
  })
  return rowCount === 1
}

/** Whose a crashed agent is that had no claim here; false when it is not that any more. Its status is left to what it answers. */
export async function completeRecovered(tx: Queryable, p: Extract<Recovery, { kind: 'complete' }>): Promise<boolean> {
  const { claimId, conversationId, inviteUrl, agentName } = p.belongs
  const { rowCount } = await tx.query({
    name: 'complete_recovered',
    values: [p.id, claimId, conversationId, inviteUrl, agentName, p.why],
    text: `
      with completed as (
        update instances set claim_id = $2, conversation_id = $3, invite_url = coalesce($4, invite_url),
          agent_name = coalesce(agent_name, $5), touched_at = coalesce(touched_at, clock_now())
        where id = $1 and status = 'crashed' and claim_id is null and not exists (select from claims where id = $2)
        returning id, claim_id
      )
      insert into instance_events (instance_id, claim_id, type, reason, actor)
      select id, claim_id, 'enriched', $6, 'enrich' from completed`,
  })
  return rowCount === 1
}
