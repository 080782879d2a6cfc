import type { Queryable } from '@convos/kit'

/** What the log calls a claim's change of state where none of an instance tells it. */
export const CLAIM_EVENTS = {
  queued: 'claim_queued',
  failed: 'claim_failed',
  cancelled: 'claim_cancelled',
  ended: 'claim_ended',
} as const

export interface EventRow {
  id: string
  at: Date
  instance_id: string | null
  claim_id: string | null
  type: string
  from_status: string | null
  to_status: string | null
  reason: string | null
  actor: string
  request_id: string | null
  detail: Record<string, unknown> | null
}

/** The latest events of one instance, newest first; with a claim only those that are not about another one. */
export async function listEvents(
  db: Queryable,
  p: { instanceId: string; claimId: string | null; limit: number },
): Promise<EventRow[]> {
  const { rows } = await db.query<EventRow>({
    name: 'list_events',
    values: [p.instanceId, p.limit, p.claimId],
    text: `
      select id, at, instance_id, claim_id, type, from_status, to_status, reason, actor, request_id, detail
      from instance_events
      where instance_id = $1 and ($3::text is null or claim_id is null or claim_id = $3) order by id desc limit $2`,
  })
  return rows
}

/** Whether there ever was such an instance, for this principal where one is given. */
export async function wasInstance(db: Queryable, p: { id: string; principal: string | null }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'was_instance',
    values: [p.id, p.principal],
    text: `
      select 1 from instance_events e
      where e.instance_id = $1
        and ($2::text is null or exists (select 1 from claims c where c.instance_id = $1 and c.principal = $2))
      limit 1`,
  })
  return (rowCount ?? 0) > 0
}

/** Notes what somebody asked of an instance; its status is the same before and after. */
export async function noteEvent(
  db: Queryable,
  p: {
    instanceId: string
    claimId: string | null
    type: string
    actor: string
    requestId: string | null
    detail: Record<string, unknown>
  },
): Promise<void> {
  await db.query({
    name: 'note_event',
    values: [p.instanceId, p.claimId, p.type, p.actor, p.requestId, JSON.stringify(p.detail)],
    text: `
      insert into instance_events (instance_id, claim_id, type, actor, request_id, detail) values ($1, $2, $3, $4, $5, $6::jsonb)`,
  })
}
