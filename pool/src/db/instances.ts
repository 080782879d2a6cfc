import type { Queryable } from '@convos/kit'
import type { ToolState } from '@convos/services/contract'
import type { Counts, Status } from '../contract/index.ts'

/** What a row keeps of the latest answered probe. */
interface StoredHealth {
  ready: boolean
  clean: boolean
  binding: string
  at: string
}

export interface InstanceRow {
  id: string
  status: Status
  status_reason: string | null
  status_since: Date
  claim_id: string | null
  touched_at: Date | null
  agent_name: string | null
  model: string | null
  url: string | null
  image: string | null
  phase: string | null
  phase_since: Date | null
  health: StoredHealth | null
  tools: ToolState[]
  last_activity_at: Date | null
  conversation_id: string | null
  invite_url: string | null
  principal: string | null
  owner_id: string | null
  owner_address: string | null
  parent_instance: string | null
  template_id: string | null
  template_version: number | null
  template_synced_at: Date | null
  protected: boolean
  expires_at: Date | null
  created_at: Date
  ready_at: Date | null
  claimed_at: Date | null
}

/** Everything but the instructions, which nobody reads in bulk. */
export const COLUMNS = `
  i.id, i.status, i.status_reason, i.status_since, i.claim_id, i.touched_at, i.agent_name, i.model, i.url, i.image, i.phase,
  i.phase_since, i.health, i.tools, i.last_activity_at, i.conversation_id, i.invite_url, i.principal, i.owner_id,
  i.owner_address, i.parent_instance, i.template_id, i.template_version, i.template_synced_at, i.protected, i.expires_at,
  i.created_at, i.ready_at, i.claimed_at`

/** A row as the reconciler reads it, and when; `keeps_claim` tells whether its claim still counts on it. */
export type FleetRow = InstanceRow & { keeps_claim: boolean; read_at: Date }

/** What to look at: the whole fleet, the given ids, or one status of it. */
export interface FleetPart {
  ids?: readonly string[]
  status?: Status
}

/**
 * A part of the fleet by id, or a page of it: at most `limit` rows, with ids after `after`. Ids are looked up by hash: many may have changed
 * at once, and no row is to be compared with each.
 */
export async function listFleet(
  db: Queryable,
  of: FleetPart,
  page: { after: string; limit: number } | null = null,
): Promise<FleetRow[]> {
  const { rows } = await db.query<FleetRow>({
    name: 'list_fleet',
    values: [of.ids ?? null, of.status ?? null, page?.after ?? '', page?.limit ?? null],
    text: `
      select ${COLUMNS},
        c.id is not null and c.instance_id = i.id and c.state in ('running', 'pending', 'done') as keeps_claim,
        clock_now() as read_at
      from instances i left join claims c on c.id = i.claim_id
      where ($1::text[] is null or i.id in (select unnest($1::text[]))) and ($2::text is null or i.status = $2) and i.id > $3
      order by i.id limit $4`,
  })
  return rows
}

/** The database's time: the only one that ages and leases are measured with. */
export async function databaseNow(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>({ name: 'database_now', text: 'select clock_now() as now' })
  if (!rows[0]) throw new Error('a select without a table answers one row')
  return rows[0].now
}

/** Oldest first, at most `limit`. */
export async function listInstances(db: Queryable, limit: number): Promise<InstanceRow[]> {
  const { rows } = await db.query<InstanceRow>({
    name: 'list_instances',
    values: [limit],
    text: `select ${COLUMNS} from instances i order by i.created_at, i.id limit $1`,
  })
  return rows
}

export async function readInstances(db: Queryable, ids: readonly string[]): Promise<InstanceRow[]> {
  const { rows } = await db.query<InstanceRow>({
    name: 'read_instances',
    values: [ids],
    text: `select ${COLUMNS} from instances i where i.id = any($1)`,
  })
  return rows
}

export async function readInstance(db: Queryable, id: string): Promise<InstanceRow | null> {
  const { rows } = await db.query<InstanceRow>({
    name: 'read_instance',
    values: [id],
    text: `select ${COLUMNS} from instances i where i.id = $1`,
  })
  return rows[0] ?? null
}

/** Who has an agent: claimed and crashed instances, the latest claim first. */
export async function listAgents(db: Queryable): Promise<InstanceRow[]> {
  const { rows } = await db.query<InstanceRow>({
    name: 'list_agents',
    text: `select ${COLUMNS} from instances i where i.status in ('claimed', 'crashed') order by i.claimed_at desc nulls last, i.id`,
  })
  return rows
}

export async function countByStatus(db: Queryable): Promise<Partial<Record<Status, number>>> {
  const { rows } = await db.query<{ status: Status; n: number }>({
    name: 'count_by_status',
    text: 'select status, count(*)::int as n from instances group by status',
  })
  return Object.fromEntries(rows.map((row) => [row.status, row.n]))
}

/** What `countByStatus` says, of rows that were read. */
export function tally(rows: readonly Pick<InstanceRow, 'status'>[]): Partial<Record<Status, number>> {
  const by: Partial<Record<Status, number>> = {}
  for (const { status } of rows) by[status] = (by[status] ?? 0) + 1
  return by
}

/** The older keys of `GET /api/pool/counts`. */
export function toCounts(by: Partial<Record<Status, number>>): Counts {
  const sum = (...statuses: Status[]) => statuses.reduce((total, status) => total + (by[status] ?? 0), 0)
  return {
    provisioning: sum('starting', 'recycling'),
    idle: sum('ready'),
    claimed: sum('claiming', 'pending', 'claimed'),
    crashed: sum('crashed'),
    stuck: sum('stuck'),
  }
}

/** What services said about an instance, as it is kept for display; never a status. */
export interface Observation {
  id: string
  url: string | null
  image: string | null
  phase: string
  phase_since: string | null
  health: StoredHealth | null
  tools: ToolState[]
  last_activity_at: string | null
}

/** The states of a row's tools, for comparison. */
const toolStates = (column: string) => `
  (select coalesce(jsonb_agg(jsonb_build_object('toolId', t -> 'toolId', 'state', t -> 'state') order by t ->> 'toolId', t ->> 'state'), '[]')
    from jsonb_array_elements(${column}) t)`

/**
 * Keeps what was observed; rows that someone else is writing now are left for the next pass. What is different is an event, but
 * not when it was probed or active.
 */
export async function recordObservations(db: Queryable, observations: readonly Observation[]): Promise<void> {
  await db.query({
    name: 'record_observations',
    values: [JSON.stringify(observations)],
    text: `
      with seen as (
        select o.id, o.url, o.image, o.phase, o.phase_since, o.health, o.tools, o.last_activity_at
        from jsonb_to_recordset($1::jsonb) as o(id text, url text, image text, phase text, phase_since timestamptz,
          health jsonb, tools jsonb, last_activity_at timestamptz)
      ), held as (
        select i.id, i.claim_id, i.url, i.image, i.phase, i.tools
        from instances i join seen on seen.id = i.id order by i.id for update of i skip locked
      ), kept as (
        update instances i set url = coalesce(seen.url, i.url), image = coalesce(seen.image, i.image), phase = seen.phase,
          phase_since = seen.phase_since, health = coalesce(nullif(seen.health, 'null'), i.health), tools = seen.tools,
          last_activity_at = coalesce(seen.last_activity_at, i.last_activity_at)
        from seen join held on held.id = seen.id where i.id = seen.id
      )
      insert into instance_events (instance_id, claim_id, type, actor, detail)
      select held.id, held.claim_id, 'observed', 'pool', jsonb_object_agg(what, jsonb_build_object('from', was, 'to', now))
      from held join seen on seen.id = held.id cross join lateral (values
        ('phase', to_jsonb(held.phase), to_jsonb(seen.phase)),
        ('url', to_jsonb(held.url), to_jsonb(coalesce(seen.url, held.url))),
        ('image', to_jsonb(held.image), to_jsonb(coalesce(seen.image, held.image))),
        ('tools', ${toolStates('held.tools')}, ${toolStates('seen.tools')})
      ) as field (what, was, now)
      where was is distinct from now group by held.id, held.claim_id`,
  })
}

/** New rows, written before anything outside is asked for. */
export async function insertStarting(
  db: Queryable,
  p: { instances: readonly { id: string; image: string | null }[]; reason: string; actor: string; requestId: string | null },
): Promise<void> {
  await db.query({
    name: 'insert_starting',
    values: [p.instances.map(({ id }) => id), p.instances.map(({ image }) => image), p.reason, p.actor, p.requestId],
    text: `
      with added as (
        insert into instances (id, image, status, status_reason)
        select id, image, 'starting', $3 from unnest($1::text[], $2::text[]) as new(id, image) returning id, image
      )
      insert into instance_events (instance_id, type, to_status, reason, actor, request_id, detail)
      select id, 'created', 'starting', $3, $4, $5, jsonb_build_object('image', image) from added`,
  })
}

/** Ends rows whose every external resource is gone; their history stays. */
export async function removeInstances(db: Queryable, p: { ids: readonly string[]; actor: string }): Promise<string[]> {
  const { rows } = await db.query<{ instance_id: string }>({
    name: 'remove_instances',
    values: [p.ids, p.actor],
    text: `
      with gone as (delete from instances where id = any($1) and status = 'deleting' returning id, claim_id)
      insert into instance_events (instance_id, claim_id, type, from_status, reason, actor)
      select id, claim_id, 'removed', 'deleting', 'nothing of it is left', $2 from gone returning instance_id`,
  })
  return rows.map((row) => row.instance_id)
}

/** How long instances took from their row to ready, ms: the median of the last 20 of which that is known; null before the first. */
export async function readWarmUpMs(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ ms: number | null }>({
    name: 'read_warm_up',
    text: `
      select percentile_cont(0.5) within group (order by extract(epoch from ready_at - created_at) * 1000) as ms
      from (select ready_at, created_at from instances where ready_at > created_at order by ready_at desc limit 20) latest`,
  })
  return rows[0]?.ms ?? null
}
