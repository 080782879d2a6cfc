import type { Queryable } from '@convos/kit'
import type { Place } from '../infra/provider.ts'
import { RAILWAY_MUTATION, RUNNER_LEASE, STRAY_AGE } from '../limits.ts'
import type { Phase, Wish } from './instances.ts'
import type { LedgerState } from './tools.ts'

/** Which rows: all live ones as well, or only those of `instanceIds`, live or not. */
export interface LedgerQuery {
  instanceIds: string[]
  andAllLive: boolean
  /** Who asks: what it holds itself is not busy. */
  holder: string
}

interface LedgerRow {
  instanceId: string
  /** Somebody is changing the instance or is about to, or a creation may still show its effect. */
  busy: boolean
  /** Since it last became what it is. */
  ageMs: number
}

export interface PlaceLedgerRow extends LedgerRow {
  wish: Wish
  phase: Phase
  place: Place
  /** The id was wished away before anything was ever made for it. */
  neverMade: boolean
}

/** What the ledger says about where instances are. */
export async function readPlaceLedger(db: Queryable, p: LedgerQuery): Promise<PlaceLedgerRow[]> {
  const { rows } = await db.query<PlaceLedgerRow>({
    name: 'read_place_ledger',
    values: [p.instanceIds, p.andAllLive, p.holder, RAILWAY_MUTATION, STRAY_AGE],
    text: `
      select i.instance_id as "instanceId", i.wish, i.phase, i.place, i.project_name is null as "neverMade",
        (extract(epoch from clock_now() - i.phase_since) * 1000)::float8 as "ageMs",
        i.next_run_at is not null or coalesce(i.lease_until > clock_now() and i.runner_id <> $3, false) or exists (
          select from saga_log s
          where s.instance_id = i.instance_id and s.direction = 'do' and s.state <> 'done' and s.uncertain
            and coalesce(s.ended_at, s.started_at + $4::float8 * interval '1 ms') > clock_now() - $5::float8 * interval '1 ms') as busy
      from instance_infra i
      -- looked up by hash: compared with each of thousands of ids, every tombstone would cost as much as all of them
      where i.instance_id in (select unnest($1::text[])) or ($2 and i.phase <> 'destroyed')`,
  })
  return rows
}

export interface ToolLedgerRow extends LedgerRow {
  generation: number
  state: LedgerState
  resourceId: string | null
  /** The whole instance was destroyed, with all that it had. */
  instanceGone: boolean
}

/** What the ledger says about one kind of resource; of a destroyed instance at least that. */
export async function readToolLedger(db: Queryable, p: LedgerQuery & { toolId: string; kind: string }): Promise<ToolLedgerRow[]> {
  const { rows } = await db.query<ToolLedgerRow>({
    name: 'read_tool_ledger',
    values: [p.instanceIds, p.andAllLive, p.holder, RAILWAY_MUTATION, STRAY_AGE, p.toolId, p.kind],
    text: `
      select i.instance_id as "instanceId", coalesce(t.generation, 1) as generation, coalesce(t.state, 'destroyed') as state,
        t.resource_id as "resourceId", i.phase = 'destroyed' and i.project_name is not null as "instanceGone",
        coalesce(extract(epoch from clock_now() - coalesce(t.last_call_ended_at, t.created_at)) * 1000, 0)::float8 as "ageMs",
        i.next_run_at is not null or coalesce(i.lease_until > clock_now() and i.runner_id <> $3, false) or exists (
          select from saga_log s
          where s.instance_id = i.instance_id and s.direction = 'do' and s.state <> 'done' and s.uncertain
            and coalesce(s.ended_at, s.started_at + $4::float8 * interval '1 ms') > clock_now() - $5::float8 * interval '1 ms') as busy
      from instance_infra i left join instance_services t on t.instance_id = i.instance_id and t.tool_id = $6 and t.kind = $7
      where (t.id is not null or (i.phase = 'destroyed' and i.project_name is not null))
        and (i.instance_id in (select unnest($1::text[])) or ($2 and t.state not in ('destroyed', 'retained')))`,
  })
  return rows
}

/** Since when each of a provider's strays has been seen; `now` is the clock that this is of. */
export async function readStrays(db: Queryable, provider: string): Promise<{ now: Date; firstSeen: Map<string, Date> }> {
  const { rows } = await db.query<{ now: Date; resourceId: string | null; firstSeenAt: Date }>({
    name: 'read_strays',
    values: [provider],
    text: `
      select c.now, s.resource_id as "resourceId", s.first_seen_at as "firstSeenAt"
      from (select clock_now() as now) c left join strays s on s.provider = $1`,
  })
  if (!rows[0]) throw new Error('an outer join returned no row')
  const seen = rows.flatMap(({ resourceId, firstSeenAt }) => (resourceId === null ? [] : [[resourceId, firstSeenAt] as const]))
  return { now: rows[0].now, firstSeen: new Map(seen) }
}

/** Writes down what was seen, the first time or again. */
export async function recordStrays(
  db: Queryable,
  p: { provider: string; strays: { resourceId: string; instanceId: string }[] },
): Promise<void> {
  await db.query({
    name: 'record_strays',
    values: [p.provider, p.strays.map(({ resourceId }) => resourceId), p.strays.map(({ instanceId }) => instanceId)],
    text: `
      insert into strays (provider, resource_id, instance_id)
      select $1, s.resource_id, s.instance_id from unnest($2::text[], $3::text[]) as s (resource_id, instance_id)
      on conflict (provider, resource_id) do update set last_seen_at = clock_now()`,
  })
}

/** What is not seen any more, or is no stray any more, begins anew should it be seen again. */
export async function forgetStrays(db: Queryable, p: { provider: string; except: string[] }): Promise<void> {
  await db.query({
    name: 'forget_strays',
    values: [p.provider, p.except],
    text: 'delete from strays where provider = $1 and resource_id <> all ($2)',
  })
}

/** Holds an instance that nobody is at, as a runner would: until it is given back nobody else changes anything of it. */
export async function holdIdle(db: Queryable, p: { instanceId: string; holder: string }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'hold_idle',
    values: [p.instanceId, p.holder, RUNNER_LEASE],
    text: `
      update instance_infra set runner_id = $2, lease_until = clock_now() + $3 * interval '1 ms'
      where instance_id = $1 and next_run_at is null and (lease_until is null or lease_until <= clock_now())`,
  })
  return rowCount === 1
}

/** Gives it back; what was wished for meanwhile is due as it was wished. */
export async function letGo(db: Queryable, p: { instanceId: string; holder: string }): Promise<void> {
  await db.query({
    name: 'let_go',
    values: [p.instanceId, p.holder],
    text: 'update instance_infra set runner_id = null, lease_until = null where instance_id = $1 and runner_id = $2',
  })
}

/** Written before the act, so that whoever counts them counts one too many rather than one too few; the note's id. */
export async function noteStrayDestroyed(
  db: Queryable,
  p: { instanceId: string; provider: string; resourceId: string },
): Promise<string> {
  const { rows } = await db.query<{ id: string }>({
    name: 'note_stray_destroyed',
    values: [p.instanceId, p.provider, p.resourceId],
    text: `
      insert into instance_events (instance_id, type, detail)
      values ($1, 'stray_destroyed', jsonb_build_object('provider', $2::text, 'resourceId', $3::text))
      returning id`,
  })
  if (!rows[0]) throw new Error('an insert returned no row')
  return rows[0].id
}

/** Nothing came of it after all, and it does not count. */
export async function noteStrayRefused(db: Queryable, noteId: string): Promise<void> {
  await db.query({
    name: 'note_stray_refused',
    values: [noteId],
    text: `update instance_events set type = 'stray_refused' where id = $1 and type = 'stray_destroyed'`,
  })
}

/** How many strays were destroyed within `perMs`, and how many instances there are. */
export async function countForCap(db: Queryable, perMs: number): Promise<{ destroyed: number; live: number }> {
  const { rows } = await db.query<{ destroyed: number; live: number }>({
    name: 'count_for_cap',
    values: [perMs],
    text: `
      select
        (select count(*)::int from instance_events
          where type = 'stray_destroyed' and at > (select clock_now() - $1::float8 * interval '1 ms')) as destroyed,
        (select count(*)::int from instance_infra where phase <> 'destroyed') as live`,
  })
  if (!rows[0]) throw new Error('the caps could not be read')
  return rows[0]
}
