/** Items of operations whose work calls services: each is taken with a lease, and settled by whoever still holds it. */
import type { Queryable } from '@convos/kit'
import type { OperationKind } from './operations.ts'

interface ItemKey {
  operation_id: string
  seq: number
  /** Names this taking: whoever comes after has another one. */
  lease: string
}

export interface Item extends ItemKey {
  kind: OperationKind
  actor: string
  request_id: string | null
  input: unknown
  /** Null where the operation is not about one instance. */
  instance_id: string | null
  /** How far it came when it was put off. */
  step: string | null
  /** Since it was first taken, ms. */
  age_ms: number
}

/** Takes the items that are due, for `leaseMs`; each goes to exactly one replica. */
export async function takeItems(db: Queryable, p: { kinds: readonly string[]; limit: number; leaseMs: number }): Promise<Item[]> {
  const { rows } = await db.query<Item>({
    name: 'take_items',
    values: [p.kinds, p.limit, p.leaseMs],
    text: `
      with due as (
        select t.operation_id, t.seq, o.kind, o.actor, o.request_id, o.input
        from operation_items t join operations o on o.id = t.operation_id
        where t.lease_until <= clock_now() and t.done_at is null and t.error is null and o.kind = any($1)
        order by t.lease_until, t.operation_id, t.seq limit $2 for update of t skip locked
      )
      update operation_items t set taken_at = coalesce(t.taken_at, clock_now()), lease_until = clock_now() + $3 * interval '1 ms'
      from due where t.operation_id = due.operation_id and t.seq = due.seq
      returning t.operation_id, t.seq, t.instance_id, t.step, t.lease_until::text as lease, due.kind, due.actor, due.request_id,
        due.input, extract(epoch from clock_now() - t.taken_at)::float8 * 1000 as age_ms`,
  })
  return rows
}

/** Ends an item, with the reason where it failed; false when its lease was lost, and it is another's to settle. */
export async function settleItem(
  db: Queryable,
  p: ItemKey & { error: string | null; report: Record<string, unknown> | null },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'settle_item',
    values: [p.operation_id, p.seq, p.lease, p.error, p.report && JSON.stringify(p.report)],
    text: `
      with settled as (
        update operation_items set done_at = clock_now(), error = $4
        where operation_id = $1 and seq = $2 and lease_until = $3::timestamptz and done_at is null
        returning operation_id, instance_id
      ), told as (
        insert into instance_events (instance_id, type, reason, actor, request_id, detail)
        select s.instance_id, case when $4::text is null then 'operation_item_done' else 'operation_item_failed' end, $4, o.actor,
          o.request_id, jsonb_build_object('operationId', o.id, 'kind', o.kind)
        from settled s join operations o on o.id = s.operation_id
      )
      update operations o set report = coalesce($5::jsonb, o.report) from settled where o.id = settled.operation_id`,
  })
  return rowCount === 1
}

/** Leaves an item to whoever looks after `ms`; false when its lease was lost. */
export async function putOffItem(db: Queryable, p: ItemKey & { step: string | null; ms: number }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'put_off_item',
    values: [p.operation_id, p.seq, p.lease, p.step, p.ms],
    text: `
      update operation_items set step = coalesce($4, step), lease_until = clock_now() + $5 * interval '1 ms'
      where operation_id = $1 and seq = $2 and lease_until = $3::timestamptz and done_at is null`,
  })
  return rowCount === 1
}
