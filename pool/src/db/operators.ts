/** What operators write about instances by hand; each write tells what it changed in the event log. */
import type { Queryable } from '@convos/kit'
import type { StatusDetail } from '@convos/services/contract'
import type { Status } from '../contract/index.ts'

interface By {
  id: string
  actor: string
  requestId: string | null
}

/** Protects an instance or not, and sets when it ends; what is not given stays. False unless it is in one of the given statuses. */
export async function changeInstance(
  db: Queryable,
  p: By & { from: readonly Status[]; protected?: boolean | undefined; expiresAt?: Date | null | undefined },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'change_instance',
    values: [p.id, p.protected ?? null, p.expiresAt !== undefined, p.expiresAt ?? null, p.actor, p.requestId, p.from],
    text: `
      with held as (
        select id, claim_id, protected, expires_at from instances where id = $1 and status = any($7) for update
      ), protection as (
        insert into instance_events (instance_id, claim_id, type, actor, request_id)
        select id, claim_id, case when $2 then 'protected' else 'unprotected' end, $5, $6
        from held where protected <> $2::boolean
      ), expiry as (
        insert into instance_events (instance_id, claim_id, type, actor, request_id, detail)
        select id, claim_id, 'expires_at_set', $5, $6, jsonb_build_object('expiresAt', $4::timestamptz)
        from held where $3 and expires_at is distinct from $4::timestamptz
      )
      update instances i set protected = coalesce($2, i.protected), expires_at = case when $3 then $4 else i.expires_at end
      from held where i.id = held.id`,
  })
  return rowCount === 1
}

/** Removes the row of an instance that is being deleted, whatever of it is left; the event keeps what services last said. */
export async function forgetInstance(db: Queryable, p: By & { reason: string }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'forget_instance',
    values: [p.id, p.reason, p.actor, p.requestId],
    text: `
      with gone as (
        delete from instances where id = $1 and status = 'deleting'
        returning id, claim_id, url, image, phase, phase_since, tools
      )
      insert into instance_events (instance_id, claim_id, type, from_status, reason, actor, request_id, detail)
      select id, claim_id, 'forgotten', 'deleting', $2, $3, $4,
        jsonb_build_object('phase', phase, 'phaseSince', phase_since, 'url', url, 'image', image, 'tools', tools)
      from gone`,
  })
  return rowCount === 1
}

/**
 * A row for an instance that services has and this database does not know. Whose it is cannot be told: as `crashed`, and without
 * a claim, it is neither handed out nor ended by automation. False when there is a row of it.
 */
export async function insertAdopted(db: Queryable, p: By & { reason: string; detail: StatusDetail }): Promise<boolean> {
  const { health, url, image, state, phaseSince, tools } = p.detail
  const seen = health && { ready: health.ready, clean: health.clean, binding: health.binding, at: health.at }
  const whose = {
    claimId: health?.claimId ?? null,
    conversationId: health?.conversationId ?? null,
    binding: health?.binding ?? null,
  }
  const { rowCount } = await db.query({
    name: 'insert_adopted',
    values: [
      p.id,
      p.reason,
      health?.conversationId ?? null,
      health?.inviteUrl ?? null,
      url,
      image,
      state,
      phaseSince,
      seen && JSON.stringify(seen),
      JSON.stringify(tools),
      p.actor,
      p.requestId,
      JSON.stringify(whose),
    ],
    text: `
      with adopted as (
        insert into instances (id, status, status_reason, touched_at, conversation_id, invite_url, url, image, phase, phase_since,
          health, tools)
        values ($1, 'crashed', $2, clock_now(), $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb)
        on conflict do nothing returning id
      )
      insert into instance_events (instance_id, type, to_status, reason, actor, request_id, detail)
      select id, 'adopted', 'crashed', $2, $11, $12, $13::jsonb from adopted`,
  })
  return rowCount === 1
}
