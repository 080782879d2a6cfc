import type { Queryable } from '@convos/kit'
import type { Place } from '../infra/provider.ts'
import { held, type Lease } from './runner.ts'

/** Keeps what a step of making the place gave; what is known already is not replaced. */
export async function recordPlace(db: Queryable, lease: Lease, p: { place: Place; url: string | null }): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_place',
    values: [lease.instanceId, lease.runnerId, JSON.stringify(p.place), p.url],
    text: `
      update instance_infra set place = $3::jsonb || place, url = coalesce(url, $4)
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

/** Fixes the variables (sealed) before they are sent: a repeated patch must be the same patch. */
export async function recordDesiredEnv(
  db: Queryable,
  lease: Lease,
  p: { desiredEnv: string; removedVariables: string[] },
): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_desired_env',
    values: [lease.instanceId, lease.runnerId, p.desiredEnv, p.removedVariables],
    text: `
      update instance_infra set desired_env = $3, desired_rollout = rollout, removed_variables = $4
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()
        and (desired_env is null or desired_rollout < rollout)`,
  })
  held(lease, rowCount)
}

/** The patch is committed, or the process was started again: it is on its way from now on, and so is the probing. What is being looked up is of before. */
export async function recordRising(db: Queryable, lease: Lease): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_rising',
    values: [lease.instanceId, lease.runnerId],
    text: `
      update instance_infra set phase = 'deploying', phase_since = clock_now(), deployment_started_at = clock_now(),
        next_probe_at = case when wish = 'present' then clock_now() end, next_lookup_at = null,
        configured_image = coalesce(wanted_image, image)
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

/** The rollout's own deployment: from here on the instance's image is the one it was made from. */
export async function recordDeployment(db: Queryable, lease: Lease, deploymentId: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_deployment',
    values: [lease.instanceId, lease.runnerId, deploymentId],
    text: `
      update instance_infra set deployment_id = $3, image = coalesce(wanted_image, image), wanted_image = null
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

/** The rollout is over: what answers now is its own deployment, or, when it failed, what there was before, of the image it had. */
export async function recordRolloutOver(
  db: Queryable,
  lease: Lease,
  p: { deploymentId: string | null; failure: string | null },
): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_rollout_over',
    values: [lease.instanceId, lease.runnerId, p.deploymentId, p.failure],
    text: `
      update instance_infra set awaiting_deployment = false, wanted_image = null, deployment_id = coalesce($3, deployment_id, previous_deployment_id),
        image = case when $4::text is null then image else coalesce(previous_image, image) end, previous_image = null, rollout_error = $4,
        phase = case when $4::text is null then phase else 'deploy_failed' end,
        phase_since = case when $4::text is null then phase_since else clock_now() end,
        last_error = $4, next_probe_at = case when wish = 'present' then clock_now() end
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

/** What people see at the provider is as it should be. */
export async function recordRenamed(db: Queryable, lease: Lease, name: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_renamed',
    values: [lease.instanceId, lease.runnerId, name],
    text: `
      update instance_infra set project_name = $3
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}
