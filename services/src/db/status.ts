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
