import type { Queryable } from '@convos/kit'
import type { Place } from '../infra/provider.ts'

export type Wish = 'present' | 'absent'
export type Phase = 'queued' | 'creating' | 'deploying' | 'running' | 'deploy_failed' | 'destroying' | 'destroyed'

export interface NewInstance {
  instanceId: string
  projectName: string
  image: string
  /** Sealed. */
  gatewayToken: string
  controlToken: string
  servicesToken: string
  servicesTokenHash: string
}

/** Writes the ledger row that everything later hangs on; false when the id was used before. */
export async function insertInstance(db: Queryable, p: NewInstance): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'insert_instance',
    values: [p.instanceId, p.projectName, p.image, p.gatewayToken, p.controlToken, p.servicesToken, p.servicesTokenHash],
    text: `
      insert into instance_infra (instance_id, project_name, image, gateway_token, control_token, services_token, services_token_hash)
      values ($1, $2, $3, $4, $5, $6, $7)
      on conflict (instance_id) do nothing`,
  })
  return rowCount === 1
}

/** Wishes the instance away and has the runner look at it now; an id never heard of becomes a tombstone, so that a late creation is refused. */
export async function wishAbsent(db: Queryable, instanceId: string): Promise<Phase> {
  const { rows } = await db.query<{ phase: Phase }>({
    name: 'wish_absent',
    values: [instanceId],
    text: `
      insert into instance_infra as i (instance_id, wish, phase, next_run_at) values ($1, 'absent', 'destroyed', null)
      on conflict (instance_id) do update set
        wish = 'absent',
        next_run_at = case when i.phase = 'destroyed' then null when i.wish = 'absent' then i.next_run_at else clock_now() end,
        attempts = case when i.wish = 'absent' then i.attempts else 0 end,
        next_probe_at = null,
        next_lookup_at = null
      returning phase`,
  })
  if (!rows[0]) throw new Error('an upsert returned no row')
  return rows[0].phase
}

export interface InstanceAccess {
  instanceId: string
  wish: Wish
  phase: Phase
  url: string | null
  image: string | null
  wantedImage: string | null
  /** What the provider was last told. */
  configuredImage: string | null
  awaitingDeployment: boolean
  deploymentId: string | null
  place: Place
  claimId: string | null
  /** Sealed; null once destroyed. */
  gatewayToken: string | null
  controlToken: string | null
}

export interface ListedInstance {
  instanceId: string
  createdAt: Date
  name: string | null
  claimId: string | null
}

/** Those that are wished for, by id. */
export async function listInstances(db: Queryable, p: { after: string | null; limit: number }): Promise<ListedInstance[]> {
  const { rows } = await db.query<ListedInstance>({
    name: 'list_instances',
    values: [p.after, p.limit],
    text: `
      select instance_id as "instanceId", created_at as "createdAt", coalesce(wanted_name, project_name) as name, claim_id as "claimId"
      from instance_infra
      where wish = 'present' and phase not in ('destroying', 'destroyed') and ($1::text is null or instance_id > $1)
      order by instance_id limit $2`,
  })
  return rows
}

/** What it takes to talk to an instance; null for an id never heard of. */
export async function readAccess(db: Queryable, instanceId: string): Promise<InstanceAccess | null> {
  const { rows } = await db.query<InstanceAccess>({
    name: 'read_access',
    values: [instanceId],
    text: `
      select instance_id as "instanceId", wish, phase, url, image, wanted_image as "wantedImage", configured_image as "configuredImage",
        awaiting_deployment as "awaitingDeployment", deployment_id as "deploymentId", place, claim_id as "claimId",
        gateway_token as "gatewayToken", control_token as "controlToken"
      from instance_infra where instance_id = $1`,
  })
  return rows[0] ?? null
}

/**
 * Writes down whose the instance is to be and which tools it may get for itself, before it is told; what people see at the provider follows.
 * False: it is another claim's, by its row or by its own latest word.
 */
export async function bindClaim(
  db: Queryable,
  p: { instanceId: string; claimId: string; allowedTools: string[]; wantedName: string },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'bind_claim',
    values: [p.instanceId, p.claimId, p.allowedTools, p.wantedName],
    text: `
      update instance_infra set claim_id = $2, allowed_tools = $3, wanted_name = $4
      where instance_id = $1 and wish = 'present' and (claim_id is null or claim_id = $2)
        and coalesce(health ->> 'claimId', $2) = $2`,
  })
  return rowCount === 1
}

/** The instance says that it is another claim's: whose, and what that one may, is not known here. What this claim brought is to go. */
export async function unbindClaim(db: Queryable, p: { instanceId: string; claimId: string }): Promise<void> {
  await db.query({
    name: 'unbind_claim',
    values: [p.instanceId, p.claimId],
    text: `
      with unbound as (
        update instance_infra set claim_id = null, allowed_tools = null, wanted_name = null, urgent = true, next_run_at = clock_now()
        where instance_id = $1 and claim_id = $2 and wish = 'present' returning instance_id)
      update instance_services t set state = 'destroying', error = null
      from unbound
      where t.instance_id = unbound.instance_id and t.claim_id = $2 and t.state in ('creating', 'active', 'user_provided', 'failed')`,
  })
}

/**
 * The instance did as it was told: it is probed at once, an older probe's answer is dropped, and the runner does what may wait. What an earlier
 * claim brought that came to nothing is to go.
 */
export async function recordConfigured(
  db: Queryable,
  p: { instanceId: string; claimId: string; afterMs: number },
): Promise<void> {
  await db.query({
    name: 'record_configured',
    values: [p.instanceId, p.afterMs, p.claimId],
    text: `
      with left_over as (
        select id from instance_services
        where instance_id = $1 and claim_id <> $3 and state in ('creating', 'active', 'user_provided', 'failed')),
      -- its row first, as everybody does who changes both
      configured as (
        update instance_infra set next_probe_at = clock_now(), urgent = urgent or exists (select from left_over),
          next_run_at = least(next_run_at, clock_now() + $2 * interval '1 ms')
        where instance_id = $1 and wish = 'present' and phase in ('deploying', 'running', 'deploy_failed')
        returning instance_id)
      update instance_services t set state = 'destroying', error = null
      from configured, left_over
      where t.id = left_over.id and t.state in ('creating', 'active', 'user_provided', 'failed')`,
  })
}

export interface Rollout {
  instanceId: string
  image: string
  /** The same deployment is only started again. */
  restartOnly: boolean
  /** What the wish was made in view of. */
  deploymentId: string | null
}

/** Wishes the instance onto an image, unless it is on its way to one already, or has been since. */
export async function wishRollout(db: Queryable, p: Rollout): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'wish_rollout',
    values: [p.instanceId, p.image, p.restartOnly, p.deploymentId],
    text: `
      update instance_infra set rollout = rollout + 1, wanted_image = $2, restart_only = $3, awaiting_deployment = true,
        previous_deployment_id = deployment_id, deployment_id = null, previous_image = image, rollout_error = null, next_run_at = clock_now(), attempts = 0, refusals = 0
      where instance_id = $1 and wish = 'present' and phase in ('deploying', 'running', 'deploy_failed')
        and deployment_id = $4 and not awaiting_deployment`,
  })
  return rowCount === 1
}

/** Has the instance probed at once; the answer of a probe under way is dropped. */
export async function probeSoon(db: Queryable, instanceId: string): Promise<void> {
  await db.query({
    name: 'probe_soon',
    values: [instanceId],
    text: `
      update instance_infra set next_probe_at = clock_now()
      where instance_id = $1 and wish = 'present' and phase in ('deploying', 'running', 'deploy_failed')`,
  })
}

/** Draws the next revision of the instance's profile; null when there is no such instance. */
export async function nextProfileRevision(db: Queryable, instanceId: string): Promise<number | null> {
  const { rows } = await db.query<{ revision: string }>({
    name: 'next_profile_revision',
    values: [instanceId],
    text: `
      update instance_infra set profile_revision = profile_revision + 1
      where instance_id = $1 and wish = 'present'
      returning profile_revision as revision`,
  })
  return rows[0] ? Number(rows[0].revision) : null
}
