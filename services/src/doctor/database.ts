/** What the doctor reads in the database of services; it writes nothing. */
import type { Queryable } from '@convos/kit'

export interface SealedWith {
  /** Null: what stands there is no sealed value. */
  keyId: string | null
  values: number
  /** One of them, and where it stands. */
  sample: string
  place: string
}

/** Which keys what is sealed was sealed with. */
export async function readSealed(db: Queryable): Promise<SealedWith[]> {
  const { rows } = await db.query<SealedWith>({
    text: `
      with sealed as (
        select 'instance_infra/' || instance_id || '/' || c.name as place, c.text
        from instance_infra cross join lateral (values ('desired_env', desired_env), ('gateway_token', gateway_token),
          ('control_token', control_token), ('services_token', services_token)) as c (name, text)
        union all
        select 'instance_services/' || id || '/secret', secret from instance_services
      )
      select substring(text from '^v1\\.([^.]+)\\.') as "keyId", count(*)::int as values,
        (array_agg(text order by place))[1] as sample, min(place) as place
      from sealed where text is not null group by 1 order by 1`,
  })
  return rows
}

/** How many live instances run on something that is not named by its digest. */
export async function countUnpinned(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    text: `select count(*)::int as n from instance_infra where phase <> 'destroyed' and image !~ '@sha256:[0-9a-f]{64}$'`,
  })
  return rows[0]?.n ?? 0
}
