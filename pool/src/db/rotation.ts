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

/** Ready, nobody's by the word of a late enough probe, and not protected. The time is read once: see retention.ts. */
const FREE = `
  i.status = 'ready' and not i.protected and i.health ->> 'binding' = 'none'
  and (i.health ->> 'at')::timestamptz >= (select clock_now() - $2::int * interval '1 ms')`

/** What is wanted may have changed since the roll-out began. */
const OFF_IMAGE = 'i.image is distinct from (select wanted_image from settings)'

/**
 * The oldest first, at most `limit`; none that is protected, and none but those whose latest probe, not longer ago than this, says
 * that nobody is on them. An item of a roll-out that was stopped has its error, and is none any more. From the items to their
 * instances: under the lock that every reservation's refill waits for, no look at all that is ready.
 */
export async function listRetiring(
  db: Queryable,
  p: { maxAgeHours: number | null; provenWithinMs: number; limit: number },
): Promise<RetiringRow[]> {
  const { rows } = await db.query<RetiringRow>({
    name: 'list_retiring',
    values: [p.maxAgeHours, p.provenWithinMs, p.limit],
    text: `
      with marked as (
        select i.id, i.created_at, t.operation_id, t.seq, o.actor, o.request_id, o.started_at
        from operations o
        join operation_items t on t.operation_id = o.id and t.begun_at is null and t.error is null
        join instances i on i.id = t.instance_id and ${FREE} and ${OFF_IMAGE}
        where o.kind = 'rollout'
      ), aged as (
        select i.id, i.created_at from instances i
        where ${FREE} and i.created_at <= (select clock_now() - $1::int * interval '1 hour')
      )
      select distinct on (created_at, id) id, operation_id, seq, actor, request_id
      from (select id, created_at, operation_id, seq, actor, request_id, started_at from marked
        union all select id, created_at, null, null, null, null, null from aged) retiring
      order by created_at, id, started_at limit $3`,
  })
  return rows
}

/** How many of those that a roll-out has left might be replaced now. */
export async function countRetiring(db: Queryable, p: { id: string; provenWithinMs: number }): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    name: 'count_retiring',
    values: [p.id, p.provenWithinMs],
    text: `
      select count(*)::int as n
      from operation_items t join instances i on i.id = t.instance_id and ${FREE} and ${OFF_IMAGE}
      where t.operation_id = $1 and t.begun_at is null and t.error is null`,
  })
  return rows[0]?.n ?? 0
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
      join instances i on i.id = t.instance_id and i.status in ('ready', 'starting', 'claiming') and ${OFF_IMAGE}
      where t.begun_at is null and t.error is null
      order by o.started_at desc limit 1`,
  })
  return rows[0]?.id ?? null
}

/**
 * Ends items of roll-outs whose instance was claimed, or ended otherwise, before it was replaced, and those that are on the wanted
 * image after all, since it was taken back. One that is being claimed may come back untouched, and is waited for.
 */
export async function settleTaken(tx: Queryable): Promise<void> {
  await tx.query({
    name: 'settle_taken',
    text: `
      update operation_items t set begun_at = clock_now()
      from operations o
      where o.id = t.operation_id and o.kind = 'rollout' and t.begun_at is null and t.error is null
        and not exists (
          select 1 from instances i
          where i.id = t.instance_id and i.status in ('ready', 'starting', 'claiming') and ${OFF_IMAGE})`,
  })
}
