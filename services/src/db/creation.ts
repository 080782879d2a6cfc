import type { Queryable } from '@convos/kit'
import { held, type Lease } from './runner.ts'

export async function recordProject(db: Queryable, lease: Lease, p: { projectId: string; environmentId: string }): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_project',
    values: [lease.instanceId, lease.runnerId, p.projectId, p.environmentId],
    text: `
      update instance_infra set railway_project_id = $3, railway_environment_id = $4
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and railway_project_id is null`,
  })
  held(lease, rowCount)
}

export async function recordService(db: Queryable, lease: Lease, serviceId: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_service',
    values: [lease.instanceId, lease.runnerId, serviceId],
    text: `
      update instance_infra set railway_service_id = $3
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and railway_service_id is null`,
  })
  held(lease, rowCount)
}

export async function recordVolume(db: Queryable, lease: Lease, volumeId: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_volume',
    values: [lease.instanceId, lease.runnerId, volumeId],
    text: `
      update instance_infra set railway_volume_id = $3
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and railway_volume_id is null`,
  })
  held(lease, rowCount)
}

export async function recordDomain(db: Queryable, lease: Lease, p: { domainId: string; url: string }): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_domain',
    values: [lease.instanceId, lease.runnerId, p.domainId, p.url],
    text: `
      update instance_infra set railway_domain_id = $3, url = $4
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and railway_domain_id is null`,
  })
  held(lease, rowCount)
}

/** Fixes the variables (sealed) before they are sent: a repeated patch must be the same patch. */
export async function recordDesiredEnv(db: Queryable, lease: Lease, desiredEnv: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_desired_env',
    values: [lease.instanceId, lease.runnerId, desiredEnv],
    text: `
      update instance_infra set desired_env = $3
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and desired_env is null`,
  })
  held(lease, rowCount)
}

/** The patch is committed: its one deployment starts now, and so does the probing. */
export async function recordPatched(db: Queryable, lease: Lease): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_patched',
    values: [lease.instanceId, lease.runnerId],
    text: `
      update instance_infra set phase = 'deploying', phase_since = clock_now(), deployment_started_at = clock_now(),
        next_probe_at = case when wish = 'present' then clock_now() end
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

export async function recordDeployment(db: Queryable, lease: Lease, deploymentId: string): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_deployment',
    values: [lease.instanceId, lease.runnerId, deploymentId],
    text: `
      update instance_infra set deployment_id = $3
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}
