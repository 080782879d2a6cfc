import type { Queryable } from '@convos/kit'
import { RUNNER_LEASE } from '../limits.ts'
import type { Place } from '../infra/provider.ts'
import type { Phase, Wish } from './instances.ts'

/** The right to change one instance; every write of a runner is guarded by it. */
export interface Lease {
  instanceId: string
  runnerId: string
}

/** Somebody else drives the instance now: stop, and touch nothing more. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
  constructor({ instanceId, runnerId }: Lease) {
    super(`runner ${runnerId} no longer holds instance ${instanceId}`)
  }
}

/** A guarded write that hit no row was refused: the lease is gone. */
export function held(lease: Lease, rowCount: number | null): void {
  if (rowCount !== 1) throw new LeaseLost(lease)
}

/**
 * Takes up to `limit` instances that have something to do and that nobody holds, the oldest first. `urgent`: those for which somebody waits;
 * what is wished for after it was taken makes it urgent again.
 */
export async function claimDueInstances(
  db: Queryable,
  p: { runnerId: string; limit: number; urgent: boolean },
): Promise<string[]> {
  const { rows } = await db.query<{ instance_id: string }>({
    name: 'claim_due_instances',
    values: [p.runnerId, p.limit, RUNNER_LEASE, p.urgent],
    text: `
      with due as (
        select instance_id from instance_infra
        where next_run_at <= clock_now() and (lease_until is null or lease_until <= clock_now()) and urgent = $4
        order by created_at, instance_id limit $2 for update skip locked)
      update instance_infra i set runner_id = $1, lease_until = clock_now() + $3 * interval '1 ms', urgent = false
      from due where i.instance_id = due.instance_id
      returning i.instance_id`,
  })
  return rows.map((row) => row.instance_id)
}

export interface HeldInstance {
  instanceId: string
  wish: Wish
  phase: Phase
  phaseAgeMs: number
  createdAt: Date
  projectName: string
  wantedName: string | null
  image: string
  wantedImage: string | null
  place: Place
  url: string | null
  rollout: number
  restartOnly: boolean
  awaitingDeployment: boolean
  deploymentId: string | null
  previousDeploymentId: string | null
  claimId: string | null
  /** Sealed. */
  desiredEnv: string | null
  desiredRollout: number
  removedVariables: string[]
  gatewayToken: string | null
  controlToken: string | null
  servicesToken: string | null
  attempts: number
  refusals: number
  lastError: string | null
}

/** Reads the instance afresh and renews the lease; the wish may have changed since the last step. */
export async function readHeld(db: Queryable, lease: Lease): Promise<HeldInstance> {
  const { rows } = await db.query<HeldInstance>({
    name: 'read_held',
    values: [lease.instanceId, lease.runnerId, RUNNER_LEASE],
    text: `
      update instance_infra set lease_until = clock_now() + $3 * interval '1 ms'
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()
      returning instance_id as "instanceId", wish, phase, created_at as "createdAt",
        (extract(epoch from clock_now() - phase_since) * 1000)::float8 as "phaseAgeMs",
        project_name as "projectName", wanted_name as "wantedName", image, wanted_image as "wantedImage", place, url,
        rollout, restart_only as "restartOnly", awaiting_deployment as "awaitingDeployment",
        deployment_id as "deploymentId", previous_deployment_id as "previousDeploymentId", claim_id as "claimId",
        desired_env as "desiredEnv", desired_rollout as "desiredRollout", removed_variables as "removedVariables",
        gateway_token as "gatewayToken", control_token as "controlToken", services_token as "servicesToken", attempts, refusals,
        last_error as "lastError"`,
  })
  if (!rows[0]) throw new LeaseLost(lease)
  return rows[0]
}

export async function renewLease(db: Queryable, lease: Lease): Promise<void> {
  const { rowCount } = await db.query({
    name: 'renew_lease',
    values: [lease.instanceId, lease.runnerId, RUNNER_LEASE],
    text: `
      update instance_infra set lease_until = clock_now() + $3 * interval '1 ms'
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

/** A step got done: what failed before it is forgotten, but for why a deployment failed. */
export async function recordProgress(db: Queryable, lease: Lease): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_progress',
    values: [lease.instanceId, lease.runnerId],
    text: `
      update instance_infra set attempts = 0, refusals = 0, last_error = case when phase = 'deploy_failed' then last_error end
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

export interface Pause {
  /** What the runner was driving at: when the wish, the rollout or the claim has changed since, the instance is due at once. */
  wish: Wish
  rollout: number
  claimId: string | null
  /** Somebody waits: those come first. What became urgent meanwhile is due at once. */
  urgent: boolean
  /** Null: nothing is left to do. */
  delayMs: number | null
  attempts: number
  refusals: number
  error: string | null
}

/** Gives the instance back until it is due again. */
export async function pauseInstance(db: Queryable, lease: Lease, p: Pause): Promise<void> {
  const { rowCount } = await db.query({
    name: 'pause_instance',
    values: [
      lease.instanceId,
      lease.runnerId,
      p.wish,
      p.delayMs,
      p.attempts,
      p.refusals,
      p.error,
      p.rollout,
      p.urgent,
      p.claimId,
    ],
    text: `
      update instance_infra set runner_id = null, lease_until = null, attempts = $5, refusals = $6, last_error = $7, urgent = urgent or $9,
        next_run_at = case
          when wish = $3 and rollout = $8 and claim_id is not distinct from $10 and not urgent
          then clock_now() + $4::float8 * interval '1 ms'
          else clock_now() end
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now()`,
  })
  held(lease, rowCount)
}

/** Gives back at once what is still held. */
export async function releaseInstances(db: Queryable, leases: Lease[]): Promise<void> {
  await db.query({
    name: 'release_instances',
    values: [leases.map(({ instanceId }) => instanceId), leases.map(({ runnerId }) => runnerId)],
    text: `
      update instance_infra i set runner_id = null, lease_until = null, next_run_at = clock_now()
      from unnest($1::text[], $2::text[]) as lease (instance_id, runner_id)
      where i.instance_id = lease.instance_id and i.runner_id = lease.runner_id`,
  })
}

/** Moves the instance on to another phase, if it is in one of `from`. */
export async function recordPhase(db: Queryable, lease: Lease, p: { from: Phase[]; to: Phase }): Promise<void> {
  await db.query({
    name: 'record_phase',
    values: [lease.instanceId, lease.runnerId, p.from, p.to],
    text: `
      update instance_infra set phase = $4, phase_since = clock_now()
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and phase = any ($3)`,
  })
}

/** Everything is confirmed gone: what stays is a tombstone without secrets. */
export async function recordDestroyed(db: Queryable, lease: Lease): Promise<void> {
  const { rowCount } = await db.query({
    name: 'record_destroyed',
    values: [lease.instanceId, lease.runnerId],
    text: `
      update instance_infra set phase = 'destroyed', phase_since = clock_now(), desired_env = null, gateway_token = null,
        control_token = null, services_token = null, services_token_hash = null, url = null, health = null,
        runner_id = null, lease_until = null, next_run_at = null, next_probe_at = null, next_lookup_at = null,
        attempts = 0, refusals = 0, last_error = null
      where instance_id = $1 and runner_id = $2 and lease_until > clock_now() and wish = 'absent'`,
  })
  held(lease, rowCount)
}
