import type { Queryable } from '@convos/kit'

/** What is sealed in one row, by column; null where there is nothing. */
export interface SealedRow {
  id: string
  columns: Record<string, string | null>
}

interface Batch {
  /** What the newest key's texts begin with. */
  newest: string
  after: string | null
  limit: number
}

/** The next instances, by id, of which something was sealed with an older key. */
export async function readStaleInstances(db: Queryable, p: Batch): Promise<SealedRow[]> {
  const { rows } = await db.query<SealedRow>({
    name: 'read_stale_instances',
    values: [p.newest, p.after, p.limit],
    text: `
      select instance_id as id, jsonb_build_object('desired_env', desired_env, 'gateway_token', gateway_token,
        'control_token', control_token, 'services_token', services_token) as columns
      from instance_infra
      where ($2::text is null or instance_id > $2) and (
        not starts_with(desired_env, $1) or not starts_with(gateway_token, $1)
        or not starts_with(control_token, $1) or not starts_with(services_token, $1))
      order by instance_id limit $3`,
  })
  return rows
}

/** Puts `after` in place of `before`; false when any of it has changed meanwhile. */
export async function resealInstance(db: Queryable, p: { before: SealedRow; after: SealedRow }): Promise<boolean> {
  const [before, after] = [p.before.columns, p.after.columns]
  const { rowCount } = await db.query({
    name: 'reseal_instance',
    values: [
      p.before.id,
      ...['desired_env', 'gateway_token', 'control_token', 'services_token'].flatMap((name) => [before[name], after[name]]),
    ],
    text: `
      update instance_infra set desired_env = $3, gateway_token = $5, control_token = $7, services_token = $9
      where instance_id = $1 and desired_env is not distinct from $2 and gateway_token is not distinct from $4
        and control_token is not distinct from $6 and services_token is not distinct from $8`,
  })
  return rowCount === 1
}

/** The next resources, by id, whose variables were sealed with an older key. */
export async function readStaleResources(db: Queryable, p: Batch): Promise<SealedRow[]> {
  const { rows } = await db.query<SealedRow>({
    name: 'read_stale_resources',
    values: [p.newest, p.after, p.limit],
    text: `
      select id, jsonb_build_object('secret', secret) as columns
      from instance_services
      where ($2::uuid is null or id > $2) and not starts_with(secret, $1)
      order by id limit $3`,
  })
  return rows
}

/** Puts `after` in place of `before`; false when it has changed meanwhile. */
export async function resealResource(db: Queryable, p: { before: SealedRow; after: SealedRow }): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'reseal_resource',
    values: [p.before.id, p.before.columns['secret'], p.after.columns['secret']],
    text: 'update instance_services set secret = $3 where id = $1 and secret = $2',
  })
  return rowCount === 1
}
