import type { Health } from '@convos/agent-server/contract'
import type { Queryable } from '@convos/kit'
import type { Place } from '../infra/provider.ts'
import type { Phase } from './instances.ts'

export interface DueProbe {
  instanceId: string
  phase: Phase
  url: string
  /** Sealed. */
  controlToken: string
  failures: number
  /** Names this claim: a result is recorded only while the row still waits for it. */
  ticket: string
}

/**
 * Takes up to `limit` instances that are due, among `ids` if given; they are due again after `claimMs` should this prober die. The time is read
 * in a subquery, once: compared with a volatile function every instance is looked at to find those that are due.
 */
export async function claimDueProbes(
  db: Queryable,
  p: { limit: number; claimMs: number; ids: string[] | null },
): Promise<DueProbe[]> {
  const { rows } = await db.query<DueProbe>({
    name: 'claim_due_probes',
    values: [p.limit, p.claimMs, p.ids],
    text: `
      with due as (
        select instance_id from instance_infra
        where next_probe_at <= (select clock_now()) and url is not null and control_token is not null
          and ($3::text[] is null or instance_id = any ($3))
        order by next_probe_at limit $1 for update skip locked)
      update instance_infra i set next_probe_at = clock_now() + $2 * interval '1 ms'
      from due where i.instance_id = due.instance_id
      returning i.instance_id as "instanceId", i.phase, i.url, i.control_token as "controlToken", i.probe_failures as failures,
        i.next_probe_at::text as ticket`,
  })
  return rows
}

/**
 * The instance answered. While it says it is not ready that counts as a failure, but what it says is kept; also whose it is, where a row that is
 * older does not know.
 */
export async function recordAnswer(
  db: Queryable,
  p: { instanceId: string; ticket: string; health: Health; nextMs: number },
): Promise<void> {
  await db.query({
    name: 'record_answer',
    values: [p.instanceId, p.ticket, JSON.stringify(p.health), p.health.ready, p.nextMs],
    text: `
      update instance_infra set health = $3, answered_at = clock_now(), claim_id = coalesce(claim_id, $3::jsonb ->> 'claimId'),
        probe_failures = case when $4 then 0 else probe_failures + 1 end,
        failing_since = case when $4 then null else coalesce(failing_since, clock_now()) end,
        -- while a new deployment is awaited it may still be the old one that speaks
        phase = case when $4 and not awaiting_deployment then 'running' else phase end,
        phase_since = case when $4 and phase <> 'running' and not awaiting_deployment then clock_now() else phase_since end,
        last_error = case when $4 then null else last_error end,
        next_probe_at = clock_now() + $5 * interval '1 ms', next_lookup_at = null
      where instance_id = $1 and next_probe_at = $2::timestamptz and wish = 'present'
        and phase in ('deploying', 'running', 'deploy_failed')`,
  })
}

/** The instance did not answer; from `lookupAfter` failures on it is due to be looked up at the provider. */
export async function recordNoAnswer(
  db: Queryable,
  p: { instanceId: string; ticket: string; nextMs: number; lookupAfter: number },
): Promise<void> {
  await db.query({
    name: 'record_no_answer',
    values: [p.instanceId, p.ticket, p.nextMs, p.lookupAfter],
    text: `
      update instance_infra set probe_failures = probe_failures + 1, failing_since = coalesce(failing_since, clock_now()),
        next_probe_at = clock_now() + $3 * interval '1 ms',
        next_lookup_at = case when probe_failures + 1 >= $4 then coalesce(next_lookup_at, clock_now()) else next_lookup_at end
      where instance_id = $1 and next_probe_at = $2::timestamptz and wish = 'present'
        and phase in ('deploying', 'running', 'deploy_failed')`,
  })
}

export interface DueLookup {
  instanceId: string
  place: Place
  /** Names this look: what it finds is recorded only while the row still waits for it. */
  ticket: string
}

export async function anyLookupDue(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ due: boolean }>({
    name: 'any_lookup_due',
    text: `select exists (select from instance_infra where next_lookup_at <= (select clock_now()) and place <> '{}') as due`,
  })
  return rows[0]?.due ?? false
}

/** Takes up to `limit` instances that do not answer, the longest due first. Those not due yet fill the request up, so that they do not cost another. */
export async function claimDueLookups(
  db: Queryable,
  p: { limit: number; deployingMs: number; failingMs: number },
): Promise<DueLookup[]> {
  const { rows } = await db.query<DueLookup>({
    name: 'claim_due_lookups',
    values: [p.limit, p.deployingMs, p.failingMs],
    text: `
      with due as (
        select instance_id from instance_infra
        where next_lookup_at is not null and place <> '{}'
        order by next_lookup_at limit $1 for update skip locked)
      update instance_infra i
      set next_lookup_at = clock_now() + case when i.phase = 'deploying' then $2::float8 else $3::float8 end * interval '1 ms'
      from due where i.instance_id = due.instance_id
      returning i.instance_id as "instanceId", i.place, i.next_lookup_at::text as ticket`,
  })
  return rows
}

/** The provider says that the instance's latest deployment failed, and nothing has happened to the instance since it was claimed for this look. */
export async function recordDeployFailed(
  db: Queryable,
  p: { instanceId: string; ticket: string; deploymentId: string; error: string },
): Promise<void> {
  await db.query({
    name: 'record_deploy_failed',
    values: [p.instanceId, p.deploymentId, p.error, p.ticket],
    text: `
      update instance_infra set phase = 'deploy_failed', phase_since = clock_now(), deployment_id = $2, last_error = $3
      where instance_id = $1 and wish = 'present' and phase in ('deploying', 'running')
        and next_lookup_at = $4::timestamptz and not awaiting_deployment`,
  })
}

/** What the provider says besides: a deployment it began by itself counts from now; a fact that explains the silence is kept. */
export async function recordLookup(
  db: Queryable,
  p: { instanceId: string; ticket: string; deploymentId: string | null; note: string | null },
): Promise<void> {
  await db.query({
    name: 'record_lookup',
    values: [p.instanceId, p.deploymentId, p.note, p.ticket],
    text: `
      update instance_infra set last_error = coalesce($3, last_error), deployment_id = coalesce($2, deployment_id),
        deployment_started_at = case when deployment_id <> $2 then clock_now() else deployment_started_at end
      where instance_id = $1 and wish = 'present' and phase in ('deploying', 'running', 'deploy_failed')
        and next_lookup_at = $4::timestamptz and not awaiting_deployment`,
  })
}
