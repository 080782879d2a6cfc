import type { Queryable } from '@convos/kit'
import type { Role } from '../contract/index.ts'

/** What it may do is asked of the key it was made with, each time. */
export interface SessionRow {
  key_hash: Buffer
  expires_at: Date
}

export async function insertSession(
  db: Queryable,
  p: { tokenHash: Buffer; principal: string; role: Role; keyHash: Buffer; ms: number },
): Promise<Date> {
  const { rows } = await db.query<{ expires_at: Date }>({
    name: 'insert_session',
    values: [p.tokenHash, p.principal, p.role, p.keyHash, p.ms],
    text: `
      insert into sessions (token_hash, principal, role, key_hash, expires_at)
      values ($1, $2, $3, $4, clock_now() + $5 * interval '1 ms') returning expires_at`,
  })
  return rows[0]?.expires_at ?? new Date(0)
}

export async function readSession(db: Queryable, tokenHash: Buffer): Promise<SessionRow | null> {
  const { rows } = await db.query<SessionRow>({
    name: 'read_session',
    values: [tokenHash],
    text: 'select key_hash, expires_at from sessions where token_hash = $1 and expires_at > clock_now()',
  })
  return rows[0] ?? null
}

export async function deleteSession(db: Queryable, tokenHash: Buffer): Promise<void> {
  await db.query({ name: 'delete_session', values: [tokenHash], text: 'delete from sessions where token_hash = $1' })
}

export async function insertLoginCode(
  db: Queryable,
  p: { codeHash: Buffer; principal: string; role: Role; keyHash: Buffer; ms: number },
): Promise<Date> {
  const { rows } = await db.query<{ expires_at: Date }>({
    name: 'insert_login_code',
    values: [p.codeHash, p.principal, p.role, p.keyHash, p.ms],
    text: `
      insert into login_codes (code_hash, principal, role, key_hash, expires_at)
      values ($1, $2, $3, $4, clock_now() + $5 * interval '1 ms') returning expires_at`,
  })
  return rows[0]?.expires_at ?? new Date(0)
}

/** Burns a login code and tells the key it was made with; null when it was used, has expired, or never was. */
export async function useLoginCode(db: Queryable, codeHash: Buffer): Promise<Buffer | null> {
  const { rows } = await db.query<{ key_hash: Buffer; live: boolean }>({
    name: 'use_login_code',
    values: [codeHash],
    text: 'delete from login_codes where code_hash = $1 returning key_hash, expires_at > clock_now() as live',
  })
  return rows[0]?.live ? rows[0].key_hash : null
}
