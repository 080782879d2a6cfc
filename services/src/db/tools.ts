import type { Queryable } from '@convos/kit'
import { held, type Lease } from './runner.ts'

export type LedgerState = 'creating' | 'active' | 'user_provided' | 'destroying' | 'destroyed' | 'retained' | 'failed'

export interface ToolRow {
  id: string
  instanceId: string
  toolId: string
  state: LedgerState
  resourceId: string | null
  /** Sealed. */
  secret: string | null
}

/** The ledger row a resource must have before it is created; the one that is there already, if it is. */
export async function ensureTool(db: Queryable, lease: Lease, toolId: string): Promise<ToolRow> {
  await db.query({
    name: 'ensure_tool',
    values: [lease.instanceId, lease.runnerId, toolId],
    text: `
      insert into instance_services (instance_id, tool_id)
      select instance_id, $3 from instance_infra
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()
      on conflict (instance_id, tool_id) where state not in ('destroyed', 'retained') do nothing`,
  })
  const row = (await readTools(db, [lease.instanceId])).find((tool) => tool.toolId === toolId && isLive(tool.state))
  held(lease, row ? 1 : 0)
  return row as ToolRow
}

export const isLive = (state: LedgerState): boolean => state !== 'destroyed' && state !== 'retained'

export async function readTools(db: Queryable, instanceIds: string[]): Promise<ToolRow[]> {
  const { rows } = await db.query<ToolRow>({
    name: 'read_tools',
    values: [instanceIds],
    text: `
      select id, instance_id as "instanceId", tool_id as "toolId", state, resource_id as "resourceId", secret
      from instance_services where instance_id = any ($1) order by created_at, tool_id`,
  })
  return rows
}

export interface CreatedTool {
  id: string
  resourceId: string
  config: Record<string, unknown>
  /** Sealed. */
  secret: string
}

/** The resource exists and its secret is safe. */
export async function recordToolActive(db: Queryable, lease: Lease, p: CreatedTool): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_active',
    values: [lease.instanceId, lease.runnerId, p.id, p.resourceId, JSON.stringify(p.config), p.secret],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set state = 'active', resource_id = $4, config = $5, secret = $6, last_call_ended_at = clock_now()
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state = 'creating'`,
  })
  held(lease, rowCount)
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
      update instance_services t set state = 'destroyed', secret = null, last_call_ended_at = clock_now()
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state not in ('destroyed', 'retained')`,
  })
  held(lease, rowCount)
}

/** The instance is done with it, but its secret is kept for a while. */
export async function recordToolRetained(db: Queryable, lease: Lease, p: { id: string; forMs: number }): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_tool_retained',
    values: [lease.instanceId, lease.runnerId, p.id, p.forMs],
    text: `
      with held as (
        select instance_id from instance_infra
        where instance_id = $1 and runner_id = $2 and lease_until > clock_now() for no key update)
      update instance_services t set state = 'retained', retained_until = clock_now() + $4 * interval '1 ms'
      from held where t.instance_id = held.instance_id and t.id = $3 and t.state not in ('destroyed', 'retained')`,
  })
  held(lease, rowCount)
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
