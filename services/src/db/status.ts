import type { Queryable } from '@convos/kit'
import type { Health } from '@convos/agent-server/contract'
import type { Phase, Wish } from './instances.ts'

export interface StatusRow {
  instanceId: string
  wish: Wish
  phase: Phase
  phaseSince: Date
  deploymentStartedAt: Date | null
  failures: number
  failingSince: Date | null
  url: string | null
  image: string | null
  wantedImage: string | null
  rolloutError: string | null
  attempts: number
  health: Health | null
  answeredAt: Date | null
  lastError: string | null
  nextRunAt: Date | null
}

/** What is stored about these instances; ids never heard of have no row. */
export async function readStatus(db: Queryable, instanceIds: string[]): Promise<StatusRow[]> {
  const { rows } = await db.query<StatusRow>({
    name: 'read_status',
    values: [instanceIds],
    text: `
      select instance_id as "instanceId", wish, phase, phase_since as "phaseSince", deployment_started_at as "deploymentStartedAt",
        probe_failures as failures, failing_since as "failingSince", url, image, wanted_image as "wantedImage", rollout_error as "rolloutError", attempts, health, answered_at as "answeredAt",
        last_error as "lastError", next_run_at as "nextRunAt"
      from instance_infra where instance_id = any ($1)`,
  })
  return rows
}

/** How many instances there are in each phase that still counts. */
export async function countPhases(db: Queryable): Promise<{ phase: Phase; count: number }[]> {
  const { rows } = await db.query<{ phase: Phase; count: number }>({
    name: 'count_phases',
    text: `select phase, count(*)::int as count from instance_infra where phase <> 'destroyed' group by phase`,
  })
  return rows
}

export interface Unsettled {
  ledger: 'instance' | 'tool'
  state: string
  count: number
  /** Of the oldest; null where that is not written down. */
  ageMs: number | null
}

/** What is on its way to somewhere else: 0 rows of a state are told as such. */
export async function readUnsettled(db: Queryable): Promise<Unsettled[]> {
  const { rows } = await db.query<Unsettled>({
    name: 'read_unsettled',
    text: `
      select 'instance' as ledger, s.state, count(i.instance_id)::int as count,
        coalesce(extract(epoch from clock_now() - min(i.phase_since)), 0)::float8 * 1000 as "ageMs"
      from unnest(array['queued', 'creating', 'deploying', 'destroying']) as s(state)
      left join instance_infra i on i.phase = s.state and i.phase <> 'destroyed' group by s.state
      union all
      select 'tool', s.state, count(t.id)::int,
        case when s.state = 'creating' then coalesce(extract(epoch from clock_now() - min(t.created_at)), 0)::float8 * 1000 end
      from unnest(array['creating', 'destroying']) as s(state)
      left join instance_services t on t.state = s.state and t.state in ('creating', 'destroying') group by s.state
      order by 1, 2`,
  })
  return rows
}
