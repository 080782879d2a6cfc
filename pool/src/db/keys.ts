import type { Queryable } from '@convos/kit'
import type { Role } from '../contract/index.ts'

export interface KeyRow {
  id: string
  name: string
  role: Role
  claims_per_minute: number | null
  claims_per_day: number | null
  created_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
}

/** Everything but the hash, which nobody needs to see. */
const COLUMNS = 'id, name, role, claims_per_minute, claims_per_day, created_at, last_used_at, revoked_at'

/** Null when a live key has this name already. */
export async function insertKey(
  db: Queryable,
  p: {
    id: string
    name: string
    role: Role
    hash: Buffer
    claimsPerMinute: number | null
    claimsPerDay: number | null
    actor: string
    requestId: string
  },
): Promise<KeyRow | null> {
  const { rows } = await db.query<KeyRow>({
    name: 'insert_key',
    values: [p.id, p.name, p.role, p.hash, p.claimsPerMinute, p.claimsPerDay, p.actor, p.requestId],
    text: `
      with key as (
        insert into api_keys (id, name, role, hash, claims_per_minute, claims_per_day) values ($1, $2, $3, $4, $5, $6)
        on conflict (name) where revoked_at is null do nothing
        returning ${COLUMNS}
      ), noted as (
        insert into instance_events (type, actor, request_id, detail)
        select 'key_created', $7, $8, jsonb_build_object('keyId', id, 'name', name, 'role', role) from key
      )
      select ${COLUMNS} from key`,
  })
  return rows[0] ?? null
}

/** Newest first, the revoked ones too. */
export async function listKeys(db: Queryable): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>({
    name: 'list_keys',
    text: `select ${COLUMNS} from api_keys order by created_at desc, id`,
  })
  return rows
}

export async function readKey(db: Queryable, id: string): Promise<KeyRow | null> {
  const { rows } = await db.query<KeyRow>({
    name: 'read_key',
    values: [id],
    text: `select ${COLUMNS} from api_keys where id = $1`,
  })
  return rows[0] ?? null
}

/** The live key with this hash; that it was used is noted once a minute. */
export async function useKey(db: Queryable, hash: Buffer): Promise<KeyRow | null> {
  const { rows } = await db.query<KeyRow>({
    name: 'use_key',
    values: [hash],
    text: `
      with used as (
        update api_keys set last_used_at = clock_now()
        where hash = $1 and revoked_at is null and (last_used_at is null or last_used_at < clock_now() - interval '1 minute')
      )
      select ${COLUMNS} from api_keys where hash = $1 and revoked_at is null`,
  })
  return rows[0] ?? null
}

/** Revokes a key, with the sessions and login codes made from it; one that is revoked already stays as it is. */
export async function revokeKey(db: Queryable, p: { id: string; actor: string; requestId: string }): Promise<void> {
  await db.query({
    name: 'revoke_key',
    values: [p.id, p.actor, p.requestId],
    text: `
      with key as (
        update api_keys set revoked_at = clock_now() where id = $1 and revoked_at is null returning id, name, role, hash
      ), sessions_gone as (
        delete from sessions where key_hash in (select hash from key)
      ), codes_gone as (
        delete from login_codes where key_hash in (select hash from key)
      )
      insert into instance_events (type, actor, request_id, detail)
      select 'key_revoked', $2, $3, jsonb_build_object('keyId', id, 'name', name, 'role', role) from key`,
  })
}

/** How many boxes the claims of the last hour have tainted, and for how long the oldest of those still counts, ms. The time is read once: see retention.ts. */
export async function countTainted(db: Queryable, principal: string): Promise<{ tainted: number; forMs: number }> {
  const { rows } = await db.query<{ tainted: number; forMs: number }>({
    name: 'count_tainted',
    values: [principal],
    text: `
      select coalesce(sum(tainted), 0)::int as tainted,
        coalesce(extract(epoch from min(created_at) + interval '1 hour' - clock_now())::float8 * 1000, 0) as "forMs"
      from claims where principal = $1 and tainted > 0 and created_at > (select clock_now() - interval '1 hour')`,
  })
  return rows[0] ?? { tainted: 0, forMs: 0 }
}
