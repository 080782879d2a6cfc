import type { Queryable } from '@convos/kit'
import type { Wish } from './instances.ts'

/** An instance that calls us. */
export interface Caller {
  instanceId: string
  wish: Wish
  claimId: string | null
  allowedTools: string[]
}

/** Whose services token has this hash; null: nobody's. */
export async function findCaller(db: Queryable, tokenHash: string): Promise<Caller | null> {
  const { rows } = await db.query<Caller>({
    name: 'find_caller',
    values: [tokenHash],
    text: `
      select instance_id as "instanceId", wish, claim_id as "claimId", coalesce(allowed_tools, '{}') as "allowedTools"
      from instance_infra where services_token_hash = $1`,
  })
  return rows[0] ?? null
}

/** How many of each tool an instance asked for by itself within `perMs`. */
export async function countOwnRequests(db: Queryable, p: { instanceId: string; perMs: number }): Promise<Map<string, number>> {
  const { rows } = await db.query<{ toolId: string; count: number }>({
    name: 'count_own_requests',
    values: [p.instanceId, p.perMs],
    text: `
      select tool_id as "toolId", count(*)::int as count from instance_services
      where instance_id = $1 and position = 0 and requested_by = 'instance'
        and created_at > clock_now() - $2::float8 * interval '1 ms'
      group by tool_id`,
  })
  return new Map(rows.map(({ toolId, count }) => [toolId, count]))
}
