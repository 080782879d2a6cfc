import type { Health } from '@convos/agent-server/contract'
import type { Queryable } from '@convos/kit'
import type { Place } from '../infra/provider.ts'

export interface AdoptedInstance {
  instanceId: string
  createdAt: Date
  projectName: string
  place: Place
  image: string
  url: string
  deploymentId: string
  /** Sealed. */
  desiredEnv: string
  gatewayToken: string
  controlToken: string
  servicesToken: string
  servicesTokenHash: string
  claimId: string | null
  allowedTools: string[]
  health: Health
  /** The runner has tools to look up. */
  due: boolean
}

/**
 * Writes down an instance that runs without a row; false when there is a row of its id, its place or its token.
 * It has forgotten how often the agent's profile was changed: counting goes on from the time, which is ahead of any such count.
 */
export async function insertAdopted(tx: Queryable, p: AdoptedInstance): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: 'insert_adopted',
    values: [
      p.instanceId,
      p.createdAt,
      p.projectName,
      JSON.stringify(p.place),
      p.image,
      p.url,
      p.deploymentId,
      p.desiredEnv,
      p.gatewayToken,
      p.controlToken,
      p.servicesToken,
      p.servicesTokenHash,
      p.claimId,
      p.allowedTools,
      JSON.stringify(p.health),
      p.due,
    ],
    text: `
      insert into instance_infra (instance_id, phase, created_at, project_name, place, image, configured_image, url, deployment_id, deployment_started_at,
        desired_env, gateway_token, control_token, services_token, services_token_hash, claim_id, allowed_tools, health, answered_at,
        next_run_at, next_probe_at, profile_revision)
      values ($1, 'running', $2, $3, $4, $5, $5, $6, $7, clock_now(), $8, $9, $10, $11, $12, $13, $14, $15, clock_now(),
        case when $16::boolean then clock_now() end, clock_now(), floor(extract(epoch from clock_now()))::bigint)
      on conflict do nothing`,
  })
  return rowCount === 1
}

export interface AdoptedResource {
  id: string
  instanceId: string
  toolId: string
  kind: string
  position: number
  generation: number
  resourceId: string | null
  config: Record<string, unknown>
  /** Sealed. */
  secret: string | null
}

/** Writes down what belongs to it. What has no id yet is for the runner to look up; what has one, the instance has been using. */
export async function insertAdoptedResource(tx: Queryable, p: AdoptedResource): Promise<void> {
  await tx.query({
    name: 'insert_adopted_resource',
    values: [p.id, p.instanceId, p.toolId, p.kind, p.position, p.generation, p.resourceId, JSON.stringify(p.config), p.secret],
    text: `
      insert into instance_services (id, instance_id, tool_id, kind, position, generation, resource_id, config, secret, state, delivered)
      values ($1, $2, $3, $4, $5, $6, $7::text, $8, $9,
        case when $7::text is null then 'creating' else 'active' end, $7::text is not null)`,
  })
}

/** That it was made once, and is not named here yet: whoever undoes it has to look for it first. */
export async function insertAdoptedCreation(
  tx: Queryable,
  p: { instanceId: string; step: string; createdAt: Date },
): Promise<void> {
  await tx.query({
    name: 'insert_adopted_creation',
    values: [p.instanceId, p.step, p.createdAt],
    text: `
      insert into saga_log (instance_id, step, direction, state, started_at, ended_at, error)
      values ($1, $2, 'do', 'failed', $3, $3, 'taken back without its id')`,
  })
}

export async function noteAdopted(tx: Queryable, instanceId: string): Promise<void> {
  await tx.query({
    name: 'note_adopted',
    values: [instanceId],
    text: `insert into instance_events (instance_id, type) values ($1, 'adopted')`,
  })
}
