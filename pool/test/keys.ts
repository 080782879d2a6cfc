import type { Role } from '../src/contract/index.ts'
import { PUBLIC_URL, type TestPool } from './harness.ts'

interface Asked {
  name?: string
  role?: Role
  claimsPerMinute?: number | null
  claimsPerDay?: number | null
}

/** A named key of this pool, a claimer's without limits unless asked otherwise. */
export async function makeKey(pool: TestPool, asked: Asked = {}): Promise<{ id: string; key: string }> {
  const body = { name: crypto.randomUUID(), role: 'claimer', claimsPerMinute: null, ...asked }
  const answer = await pool.call('POST', '/api/keys', { body })
  if (answer.status !== 201) throw new Error(`no key: ${answer.text}`)
  return { id: String(answer.body['id']), key: String(answer.body['key']) }
}

/** What a page of the dashboard sends along, once it is logged in with this key. */
export async function sessionHeaders(pool: TestPool, key: string): Promise<Record<string, string>> {
  const answer = await pool.call('POST', '/api/session', { key: null, body: { key } })
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0]
  if (answer.status !== 201 || cookie === undefined) throw new Error(`no session: ${answer.text}`)
  return { cookie, origin: PUBLIC_URL, 'content-type': 'application/json' }
}
