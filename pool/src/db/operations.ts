import type { Queryable } from '@convos/kit'
import type { Status } from '../contract/index.ts'

export type OperationKind = 'drain' | 'kill' | 'dismiss' | 'replenish' | 'rollout' | 'forget' | 'redeploy' | 'sync' | 'reconcile'

/** An item beside what has become of its instance: `status` is null once the row is gone. */
export interface ItemRow {
  instance_id: string | null
  begun: boolean
  /** It is carried out by calling services, and over once that is settled. */
  work: boolean
  step: string | null
  done_at: string | null
  error: string | null
  status: Status | null
  status_reason: string | null
  phase: string | null
  was_ready: boolean
  last_at: string | null
}

export interface OperationRow {
  id: string
  kind: OperationKind
  actor: string
  started_at: Date
  stopped_at: Date | null
  report: Record<string, unknown> | null
  items: ItemRow[]
}

/** What an operation is to do. One that cannot be done carries why; one without instance is about the pool as a whole. */
export interface NewItem {
  instanceId: string | null
  /** Its work was begun already. */
  begun?: boolean
  /** Its work calls services. */
  work?: boolean
  error?: string
}

export async function insertOperation(
  db: Queryable,
  p: {
    id: string
    kind: OperationKind
    actor: string
    requestId: string | null
    /** What its kind needs to know to carry out each item. */
    input?: Record<string, unknown>
    /** What is known of its outcome already. */
    report?: Record<string, unknown> | null
    items: readonly NewItem[]
  },
): Promise<void> {
  await db.query({
    name: 'insert_operation',
    values: [p.id, p.kind, p.actor, p.requestId, JSON.stringify(p.items.map(toRecord)), p.input, p.report],
    text: `
      with made as (
        insert into operations (id, kind, actor, request_id, input, report)
        values ($1, $2, $3, $4, $6::jsonb, $7::jsonb) returning id
      ), noted as (
        insert into instance_events (type, reason, actor, request_id, detail)
        select 'operation_begun', $2, $3, $4, jsonb_build_object('operationId', id, 'kind', $2::text) from made
      )
      insert into operation_items (operation_id, seq, instance_id, begun_at, lease_until, error)
      select made.id, item.n, item.instance_id, case when item.begun or item.work then clock_now() end,
        case when item.work then clock_now() end, item.error
      from made cross join rows from (jsonb_to_recordset($5::jsonb) as (instance_id text, begun boolean, work boolean, error text))
        with ordinality as item(instance_id, begun, work, error, n)`,
  })
}

const toRecord = ({ instanceId, begun = false, work = false, error }: NewItem) => ({
  instance_id: instanceId,
  begun,
  work,
  error: error ?? null,
})

/** Operations, newest first, each with its items as they stand now. */
export async function listOperations(db: Queryable, p: { ids?: readonly string[]; limit: number }): Promise<OperationRow[]> {
  const { rows } = await db.query<OperationRow>({
    name: 'list_operations',
    values: [p.ids ?? null, p.limit],
    text: `
      select o.id, o.kind, o.actor, o.started_at, o.stopped_at, o.report, coalesce(items.list, '[]') as items
      from (select id, kind, actor, started_at, stopped_at, report from operations where $1::text[] is null or id = any($1)
        order by started_at desc, id limit $2) o
      left join lateral (
        select jsonb_agg(jsonb_build_object('instance_id', t.instance_id,
          'begun', case when t.lease_until is null then t.begun_at is not null else t.taken_at is not null end,
          'work', t.lease_until is not null, 'step', t.step, 'done_at', t.done_at, 'error', t.error, 'status', i.status,
          'status_reason', i.status_reason, 'phase', i.phase, 'was_ready', history.was_ready, 'last_at', history.last_at)
          order by t.seq) as list
        from operation_items t left join instances i on i.id = t.instance_id
        left join lateral (
          select bool_or(e.to_status = 'ready') as was_ready, max(e.at) as last_at
          from instance_events e
          -- what its instance tells nothing of needs no look at all that ever happened to it
          where t.lease_until is null and t.begun_at is not null
            and e.instance_id = t.instance_id and (e.from_status is not null or e.to_status is not null)
        ) history on true
        where t.operation_id = o.id
      ) items on true
      order by o.started_at desc, o.id`,
  })
  return rows
}

/**
 * Which operations get on with what happened to these instances, of which some have moved. What calls services tells its end by
 * itself, and the progress of the others is that of their instance: its moves, and its phase while it comes or goes.
 */
export async function findOperationsOn(
  db: Queryable,
  p: { instanceIds: readonly string[]; movedIds: readonly string[] },
): Promise<{ operation_id: string; instance_id: string }[]> {
  const { rows } = await db.query<{ operation_id: string; instance_id: string }>({
    name: 'find_operations_on',
    values: [p.instanceIds, p.movedIds],
    text: `
      select t.operation_id, t.instance_id from operation_items t left join instances i on i.id = t.instance_id
      where t.instance_id = any($1) and t.error is null and case
        when t.lease_until is not null then t.done_at is null
        else t.instance_id = any($2) or i.status in ('starting', 'deleting') end`,
  })
  return rows
}

/** No further items are begun; those under way go on. Waits for the few that are being begun now, and leaves them out. */
export async function stopOperation(db: Queryable, p: { id: string; actor: string; requestId: string | null }): Promise<void> {
  await db.query({
    name: 'stop_operation',
    values: [p.id, p.actor, p.requestId],
    text: `
      with items as (
        update operation_items set error = 'stopped before it was begun'
        where operation_id = $1 and error is null
          and (begun_at is null or (lease_until is not null and taken_at is null))
      ), stopped as (
        update operations set stopped_at = clock_now() where id = $1 and stopped_at is null returning id, kind
      )
      insert into instance_events (type, reason, actor, request_id, detail)
      select 'operation_stopped', 'no further items are begun', $2, $3, jsonb_build_object('operationId', id, 'kind', kind)
      from stopped`,
  })
}

export interface NextItem {
  operation_id: string
  actor: string
  request_id: string | null
  seq: number
  instance_id: string
}

/** What drains are to end next. */
export async function listNextToDrain(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ instance_id: string }>({
    name: 'list_next_to_drain',
    values: [limit],
    text: `
      select t.instance_id from operation_items t join operations o on o.id = t.operation_id
      where t.begun_at is null and t.error is null and o.kind = 'drain'
      order by o.started_at, t.operation_id, t.seq limit $1`,
  })
  return rows.map((row) => row.instance_id)
}

/** The drains of these instances that are not begun, of any operation, held by this transaction. */
export async function holdNextItems(tx: Queryable, instanceIds: readonly string[]): Promise<NextItem[]> {
  const { rows } = await tx.query<NextItem>({
    name: 'hold_next_items',
    values: [instanceIds],
    text: `
      select t.operation_id, o.actor, o.request_id, t.seq, t.instance_id
      from operation_items t join operations o on o.id = t.operation_id
      where t.begun_at is null and t.error is null and o.kind = 'drain' and t.instance_id = any($1)
      order by o.started_at, t.operation_id, t.seq for update of t skip locked`,
  })
  return rows
}

/** Items whose work has begun, or that cannot be done, with the reason: no event of the instance would tell the latter. */
export async function settleItems(
  tx: Queryable,
  items: readonly { operation_id: string; seq: number; error: string | null }[],
): Promise<void> {
  await tx.query({
    name: 'settle_items',
    values: [JSON.stringify(items)],
    text: `
      with settled as (
        update operation_items t set begun_at = case when s.error is null then clock_now() end, error = s.error
        from jsonb_to_recordset($1::jsonb) as s(operation_id text, seq int, error text)
        where t.operation_id = s.operation_id and t.seq = s.seq
        returning t.operation_id, t.instance_id, t.error
      )
      insert into instance_events (instance_id, type, reason, actor, request_id, detail)
      select t.instance_id, 'operation_item_failed', t.error, o.actor, o.request_id,
        jsonb_build_object('operationId', o.id, 'kind', o.kind)
      from settled t join operations o on o.id = t.operation_id where t.error is not null`,
  })
}
