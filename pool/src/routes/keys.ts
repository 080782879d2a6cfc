import { type Endpoint, endpoint, Problem, sha256 } from '@convos/kit'
import { callerOf, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { ApiKey, ApiKeys, KeyRequest, NewApiKey } from '../contract/index.ts'
import { insertKey, type KeyRow, listKeys, readKey, revokeKey } from '../db/keys.ts'
import { newApiKey, newKeyId } from '../naming.ts'
import { whoIs } from '../operations/who.ts'
import { ById } from './params.ts'

/** Named keys: made, listed, revoked. Only their hashes are kept. */
export const keyRoutes = ({ db }: Context): Endpoint<'operator'>[] => [
  endpoint({
    method: 'get',
    path: '/api/keys',
    operationId: 'listKeys',
    summary: 'Named keys, newest first',
    auth: 'operator',
    replies: { 200: ApiKeys },
    handle: async () => ({ status: 200, body: { keys: (await listKeys(db)).map(present) } }),
  }),
  endpoint({
    method: 'post',
    path: '/api/keys',
    operationId: 'createKey',
    summary: 'Make a named key; it is told here and never again',
    auth: 'operator',
    body: KeyRequest,
    replies: { 201: NewApiKey },
    async handle({ body, req, res }) {
      const key = newApiKey()
      const who = whoIs(callerOf(res), requestIdOf(req))
      const row = await insertKey(db, { id: newKeyId(), hash: sha256(key), ...body, ...who })
      if (!row) throw new Problem({ status: 409, code: 'NAME_TAKEN', detail: `there is a key named "${body.name}" already` })
      return { status: 201, body: { ...present(row), key } }
    },
  }),
  endpoint({
    method: 'delete',
    path: '/api/keys/:id',
    operationId: 'revokeKey',
    summary: 'Revoke a key and every session made from it, at once; what it has claimed stays',
    auth: 'operator',
    params: ById,
    replies: { 200: ApiKey },
    async handle({ params: { id }, req, res }) {
      await revokeKey(db, { id, ...whoIs(callerOf(res), requestIdOf(req)) })
      const row = await readKey(db, id)
      if (!row) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such key' })
      return { status: 200, body: present(row) }
    },
  }),
]

const present = (row: KeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  role: row.role,
  claimsPerMinute: row.claims_per_minute,
  claimsPerDay: row.claims_per_day,
  createdAt: row.created_at.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
  revokedAt: row.revoked_at?.toISOString() ?? null,
})
