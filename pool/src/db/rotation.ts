/** Ready instances that are to be replaced by others. */
import type { Queryable } from '@convos/kit'

export interface RetiringRow {
  id: string
  /** The roll-out that is to replace it; null: it is too old. */
  operation_id: string | null
  seq: number | null
  actor: string | null
  request_id: string | null
}

/**
 * The oldest first, at most `limit`; none that is protected, and none but those whose latest probe, not longer ago than this, says that nobody is on them.
 * An item of a roll-out that was stopped has its error, and is none any more.
 */
export async function listRetiring(
  db: Queryable,
  p: { maxAgeHours: number | null; provenWithinMs: number; limit: number },
): Promise<RetiringRow[]> {
  const { rows } = await db.query<RetiringRow>({
    name: 'list_retiring',
    values: [p.maxAgeHours, p.provenWithinMs, p.limit],
    text: `
      select i.id, t.operation_id, t.seq, t.actor, t.request_id
      from instances i left join lateral (
        select t.operation_id, t.seq, o.actor, o.request_id
        from operation_items t join operations o on o.id = t.operation_id and o.kind = 'rollout'
        where t.instance_id = i.id and t.begun_at is null and t.error is null
        order by o.started_at limit 1
      ) t on true
      where i.status = 'ready' and not i.protected and i.health ->> 'binding' = 'none'
        and (i.health ->> 'at')::timestamptz >= clock_now() - $2::int * interval '1 ms'
        and (t.operation_id is not null or i.created_at <= clock_now() - $1::int * interval '1 hour')
      order by i.created_at, i.id limit $3`,
  })
  return rows
}

/** Instances that a roll-out to this image is about: in the stock, or on their way into it, on another one. */
export async function listOffImage(db: Queryable, image: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'list_off_image',
    values: [image],
    text: `
      select id from instances where status in ('ready', 'starting') and image is distinct from $1 and not protected order by created_at, id`,
  })
  return rows.map(({ id }) => id)
}

/** The roll-out that has instances left to replace. */
export async function findRollout(db: Queryable): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>({
    name: 'find_rollout',
    text: `
      select t.operation_id as id from operation_items t
      join operations o on o.id = t.operation_id and o.kind = 'rollout'
      join instances i on i.id = t.instance_id and i.status in ('ready', 'starting', 'claiming')
      where t.begun_at is null and t.error is null
      order by o.started_at desc limit 1`,
  })
  return rows[0]?.id ?? null
}

/**
 * Ends items of roll-outs whose instance was claimed, or ended otherwise, before it was replaced. One that is being claimed may
 * come back untouched, and is waited for.
 */
export async function settleTaken(tx: Queryable): Promise<void> {
  await tx.query({
    name: 'settle_taken',
    text: `
      update operation_items t set begun_at = clock_now()
      from operations o
      where o.id = t.operation_id and o.kind = 'rollout' and t.begun_at is null and t.error is null
        and not exists (
          select 1 from instances i where i.id = t.instance_id and i.status in ('ready', 'starting', 'claiming'))`,
  })
}
