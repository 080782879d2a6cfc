import type { Queryable, Transaction } from '@convos/kit'
import { held, type Lease } from './runner.ts'

export type LedgerState = 'creating' | 'active' | 'user_provided' | 'destroying' | 'destroyed' | 'retained' | 'failed'

/** One resource of a tool of an instance. */
export interface ToolRow {
  id: string
  instanceId: string
  toolId: string
  kind: string
  /** Its place among the tool's resources. */
  position: number
  /** The instance's how many-eth of this tool. */
  generation: number
  state: LedgerState
  resourceId: string | null
  config: Record<string, unknown>
  /** Sealed variables. */
  secret: string | null
  /** The running instance was given its variables. */
  delivered: boolean
  /** The claim that it was asked for; null: for whoever has the instance. */
  claimId: string | null
  error: string | null
}

/** A row of its own for everything that is or may be at a provider; `destroyed` and `retained` are history. */
export const isLive = (state: LedgerState): boolean => state !== 'destroyed' && state !== 'retained'

export async function readTools(db: Queryable, instanceIds: string[]): Promise<ToolRow[]> {
  const { rows } = await db.query<ToolRow>({
    name: 'read_tools',
    values: [instanceIds],
    text: `
      select id, instance_id as "instanceId", tool_id as "toolId", kind, position, generation, state, resource_id as "resourceId",
        config, secret, delivered, claim_id as "claimId", error
      from instance_services where instance_id = any ($1) order by created_at, tool_id, generation, position`,
  })
  return rows
}

export interface NewResources {
  instanceId: string
  toolId: string
  /** In the order they are made. */
  kinds: string[]
}

/** The rows that must be there before anything is created; those that are there already stay. */
export async function ensureResources(db: Queryable, lease: Lease, p: NewResources): Promise<void> {
  await db.query({
    name: 'ensure_resources',
    values: [lease.instanceId, lease.runnerId, p.toolId, p.kinds],
    text: `
      insert into instance_services (instance_id, tool_id, kind, position)
      select i.instance_id, $3, k.kind, k.position - 1
      from instance_infra i, unnest($4::text[]) with ordinality as k (kind, position)
      where i.instance_id = $1 and i.runner_id = $2 and i.lease_until > clock_now()
      on conflict (instance_id, tool_id, kind) where state not in ('destroyed', 'retained') do nothing`,
  })
}

/**
 * Locks the instance's row until the transaction ends: of two who change its tools the second sees what the first did. Its claim is the one
 * that it named itself, if it has; the row may be older.
 */
export async function lockInstance(tx: Transaction, instanceId: string): Promise<{ claimId: string | null } | null> {
  const { rows } = await tx.query<{ claimId: string | null }>({
    name: 'lock_instance',
    values: [instanceId],
    text: `
      select coalesce(health ->> 'claimId', claim_id) as "claimId"
      from instance_infra where instance_id = $1 and wish = 'present' for no key update`,
  })
  return rows[0] ?? null
}

/** Writes the rows of one more generation of a tool. */
export async function addResources(
  tx: Transaction,
  p: NewResources & { requestedBy: 'pool' | 'instance'; claimId?: string | undefined },
): Promise<void> {
  await tx.query({
    name: 'add_resources',
    values: [p.instanceId, p.toolId, p.kinds, p.requestedBy, p.claimId ?? null],
    text: `
      insert into instance_services (instance_id, tool_id, kind, position, generation, requested_by, claim_id)
      select $1, $2, k.kind, k.position - 1,
        1 + (select coalesce(max(generation), 0) from instance_services where instance_id = $1 and tool_id = $2), $4, $5
      from unnest($3::text[]) with ordinality as k (kind, position)`,
  })
}

/** Writes down what the claimer brought: nothing of it is ours to create or destroy. */
export async function addUserProvided(
  tx: Transaction,
  p: { id: string; instanceId: string; toolId: string; secret: string; claimId?: string | undefined },
): Promise<void> {
  await tx.query({
    name: 'add_user_provided',
    values: [p.id, p.instanceId, p.toolId, p.secret, p.claimId ?? null],
    text: `
      insert into instance_services (id, instance_id, tool_id, kind, generation, state, resource_id, secret, claim_id)
      select $1, $2, $3, 'user', 1 + (select coalesce(max(generation), 0) from instance_services where instance_id = $2 and tool_id = $3),
        'user_provided', 'user', $4, $5`,
  })
}

/** How many of a tool the instance asked for by itself within `perMs`, and how long until the oldest of them no longer counts. */
export async function countSelfProvisioned(
  tx: Transaction,
  p: { instanceId: string; toolId: string; perMs: number },
): Promise<{ count: number; oldestLeavesMs: number }> {
  const { rows } = await tx.query<{ count: number; oldestLeavesMs: number }>({
    name: 'count_self_provisioned',
    values: [p.instanceId, p.toolId, p.perMs],
    text: `
      select count(*)::int as count,
        coalesce($3 - extract(epoch from clock_now() - min(created_at)) * 1000, 0)::float8 as "oldestLeavesMs"
      from instance_services
      where instance_id = $1 and tool_id = $2 and position = 0 and requested_by = 'instance'
        and created_at > clock_now() - $3::float8 * interval '1 ms'`,
  })
  return rows[0] ?? { count: 0, oldestLeavesMs: 0 }
}

/** A tool that was given up is wanted again; false when it was not given up. */
export async function retryFailed(tx: Transaction, p: { instanceId: string; toolId: string }): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'retry_failed',
    values: [p.instanceId, p.toolId],
    text: `
      update instance_services set state = 'creating', error = null
      where instance_id = $1 and tool_id = $2 and state = 'failed'`,
  })
  return (rowCount ?? 0) > 0
}

/** This one of the tool is to go; what went already stays as it is. */
export async function wishToolAway(
  tx: Transaction,
  p: { instanceId: string; toolId: string; generation: number },
): Promise<void> {
  await tx.query({
    name: 'wish_tool_away',
    values: [p.instanceId, p.toolId, p.generation],
    text: `
      update instance_services set state = 'destroying', error = null
      where instance_id = $1 and tool_id = $2 and generation = $3
        and state in ('creating', 'active', 'user_provided', 'failed')`,
  })
}

/** Has the runner look at the instance now, ahead of those for which nobody waits. */
export async function makeUrgent(db: Queryable, instanceId: string): Promise<void> {
  await db.query({
    name: 'make_urgent',
    values: [instanceId],
    text: `
      update instance_infra set urgent = true, next_run_at = clock_now(), attempts = 0
      where instance_id = $1 and phase <> 'destroyed'`,
  })
}

export interface CreatedRow {
  id: string
  resourceId: string
  config: Record<string, unknown>
  /** Sealed. */
  secret: string
}

/** The resource exists and its secret is safe. Should it be unwanted by now it still goes, with what is known of it. */
export async function recordToolActive(db: Queryable, lease: Lease, p: CreatedRow): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_active',
    values: [lease.instanceId, lease.runnerId, p.id, p.resourceId, JSON.stringify(p.config), p.secret],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set state = case when t.state = 'creating' then 'active' else t.state end, resource_id = $4,
        config = $5, secret = $6, error = null, last_call_ended_at = clock_now()
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state in ('creating', 'destroying')`,
  })
  held(lease, rowCount)
}

/** Why it is not getting on; `givenUp`: nothing more of the tool is tried until it is asked for again. */
export async function recordToolFailure(
  db: Queryable,
  lease: Lease,
  p: { id: string; error: string; givenUp: boolean },
): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_failure',
    values: [lease.instanceId, lease.runnerId, p.id, p.error, p.givenUp],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set error = case when t.id = $3 then $4 else t.error end,
        state = case when $5 and t.state = 'creating' then 'failed' else t.state end
      from held, instance_services failing
      where failing.id = $3 and failing.instance_id = held.instance_id and t.instance_id = held.instance_id
        and (t.id = $3 or $5 and t.state = 'creating' and t.tool_id = failing.tool_id and t.generation = failing.generation)`,
  })
  held(lease, Math.min(1, rowCount ?? 0))
}

export async function recordToolDestroying(db: Queryable, lease: Lease, id: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_destroying',
    values: [lease.instanceId, lease.runnerId, id],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set state = 'destroying'
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state not in ('destroyed', 'retained')`,
  })
  held(lease, rowCount)
}

/** The resource is confirmed gone. */
export async function recordToolDestroyed(db: Queryable, lease: Lease, id: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_destroyed',
    values: [lease.instanceId, lease.runnerId, id],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set state = 'destroyed', secret = null, error = null, last_call_ended_at = clock_now()
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state not in ('destroyed', 'retained')`,
  })
  held(lease, rowCount)
}

/** The instance is done with it. `secretForMs`: its secret is kept for a while; null: it cannot be deleted, and its secret is of no use any more. */
export async function recordToolRetained(
  db: Queryable,
  lease: Lease,
  p: { id: string; resourceId: string; secretForMs: number | null },
): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_retained',
    values: [lease.instanceId, lease.runnerId, p.id, p.resourceId, p.secretForMs],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set state = 'retained', resource_id = $4, error = null,
        secret = case when $5::float8 is null then null else secret end,
        retained_until = clock_now() + $5::float8 * interval '1 ms'
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state not in ('destroyed', 'retained')`,
  })
  held(lease, rowCount)
}

/** The running instance has taken over their variables. */
export async function recordDelivered(db: Queryable, lease: Lease, ids: string[]): Promise<void> {
  await db.query({
    name: 'record_delivered',
    values: [lease.instanceId, lease.runnerId, ids],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set delivered = true
      from held where t.instance_id = held.instance_id and t.id = any ($3)`,
  })
}

/** Shreds what was retained long enough. */
export async function expireRetained(db: Queryable): Promise<number> {
  const { rowCount } = await db.query({
    name: 'expire_retained',
    text: `
      update instance_services set state = 'destroyed', secret = null, retained_until = null
      where state = 'retained' and retained_until <= clock_now()`,
  })
  return rowCount ?? 0
}

/** What a live one is set to now; its sample is of before. */
export async function recordConfig(db: Queryable, p: { id: string; config: Record<string, unknown> }): Promise<void> {
  await db.query({
    name: 'record_config',
    values: [p.id, JSON.stringify(p.config)],
    text: `update instance_services set config = config || $2::jsonb, usage_asked_at = null where id = $1 and state = 'active'`,
  })
}
