/** What tools have used of what they may, as their providers said last. */
import type { Queryable } from '@convos/kit'

export interface UsageRow {
  id: string
  toolId: string
  resourceId: string | null
  config: Record<string, unknown>
  usage: Record<string, unknown> | null
  usageAt: Date | null
}

/** What was last measured of a tool. */
export async function readUsage(db: Queryable, p: { instanceId: string; toolId: string }): Promise<UsageRow | null> {
  const { rows } = await db.query<UsageRow>({
    name: 'read_usage',
    values: [p.instanceId, p.toolId],
    text: `
      select id, tool_id as "toolId", resource_id as "resourceId", config, usage, usage_at as "usageAt"
      from instance_services
      where instance_id = $1 and tool_id = $2 and position = 0 and state = 'active'`,
  })
  return rows[0] ?? null
}

export interface Credit {
  toolId: string
  /** USD. */
  remaining: number
  at: Date
}

/** What was left on our account with a tool's provider, by the latest sample of any instance. */
export async function readCredits(db: Queryable): Promise<Credit[]> {
  const { rows } = await db.query<Credit>({
    name: 'read_credits',
    text: `
      select distinct on (tool_id) tool_id as "toolId", (usage ->> 'accountRemaining')::float8 as remaining, usage_at as at
      from instance_services
      where usage_at is not null and jsonb_typeof(usage -> 'accountRemaining') = 'number'
      order by tool_id, usage_at desc`,
  })
  return rows
}

/** True for the one who is to measure now: nobody has within `everyMs`. */
export async function claimUsage(db: Queryable, p: { id: string; everyMs: number }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'claim_usage',
    values: [p.id, p.everyMs],
    text: `
      update instance_services set usage_asked_at = clock_now()
      where id = $1 and (usage_asked_at is null or usage_asked_at <= clock_now() - $2 * interval '1 ms')`,
  })
  return rowCount === 1
}

export async function recordUsage(db: Queryable, p: { id: string; usage: Record<string, unknown> }): Promise<void> {
  await db.query({
    name: 'record_usage',
    values: [p.id, JSON.stringify(p.usage)],
    text: `update instance_services set usage = $2, usage_at = clock_now() where id = $1 and state = 'active'`,
  })
}
