import type { Queryable } from '@convos/kit'

/** Who else is at this database: running services by their connections, and whatever they hold. */
export async function countOthers(db: Queryable): Promise<{ connections: number; leases: number }> {
  const { rows } = await db.query<{ connections: number; leases: number }>({
    name: 'count_others',
    text: `
      select
        (select count(*)::int from pg_stat_activity
          where datname = current_database() and application_name = 'convos' and pid <> pg_backend_pid()) as connections,
        (select count(*)::int from leases where until > clock_now())
          + (select count(*)::int from instance_infra where lease_until > clock_now()) as leases`,
  })
  if (!rows[0]) throw new Error('the sessions could not be counted')
  return rows[0]
}

/** From here on nothing at any provider that carries the old id is ours. */
export async function renameDeployment(tx: Queryable, deploymentId: string): Promise<void> {
  await tx.query({
    name: 'rename_deployment',
    values: [deploymentId],
    text: 'update meta set deployment_id = $1',
  })
}

/**
 * Forgets where instances are and how they are talked to; how many there were. Their ids stay as tombstones, which no loop and no request can
 * wake; what was wished for them stays to be read.
 */
export async function forgetInstances(tx: Queryable): Promise<number> {
  const { rows } = await tx.query<{ live: number }>({
    name: 'forget_instances',
    text: `
      with before as (select instance_id, phase <> 'destroyed' as live from instance_infra),
      forgotten as (
        update instance_infra i set phase = 'destroyed', place = '{}', url = null, health = null,
          deployment_id = null, previous_deployment_id = null, wanted_image = null, wanted_name = null, awaiting_deployment = false,
          desired_env = null, gateway_token = null, control_token = null, services_token = null, services_token_hash = null,
          runner_id = null, lease_until = null, next_run_at = null, next_probe_at = null, next_lookup_at = null, urgent = false,
          probe_failures = 0, failing_since = null, attempts = 0, refusals = 0,
          phase_since = case when before.live then clock_now() else i.phase_since end,
          last_error = case when before.live then 'this database was detached from its original' else i.last_error end
        from before where i.instance_id = before.instance_id
        returning before.live)
      select count(*) filter (where live)::int as live from forgotten`,
  })
  return rows[0]?.live ?? 0
}

/** Forgets tools, retained wallet keys included: they are the original's to keep, change and destroy. */
export async function forgetResources(tx: Queryable): Promise<{ live: number; retained: number }> {
  const { rows } = await tx.query<{ live: number; retained: number }>({
    name: 'forget_resources',
    text: `
      with before as (select id, state from instance_services where resource_id is not null or secret is not null or state <> 'destroyed'),
      forgotten as (
        update instance_services t set state = 'destroyed', resource_id = null, secret = null, retained_until = null, error = null
        from before where t.id = before.id
        returning before.state)
      select count(*) filter (where state not in ('destroyed', 'retained'))::int as live,
        count(*) filter (where state = 'retained')::int as retained
      from forgotten`,
  })
  return rows[0] ?? { live: 0, retained: 0 }
}

/** Forgets who held what, and what was seen at the providers. */
export async function forgetCoordination(tx: Queryable): Promise<void> {
  await tx.query({
    name: 'forget_coordination',
    text: `
      with slots as (delete from provider_slots), seen as (delete from strays), held as (delete from leases)
      select`,
  })
}

/** How many instances this ledger was ever asked to make; ids that were only wished away do not count. */
export async function countMade(tx: Queryable): Promise<number> {
  const { rows } = await tx.query<{ n: number }>({
    name: 'count_made',
    text: 'select count(*)::int as n from instance_infra where project_name is not null',
  })
  return rows[0]?.n ?? 0
}
