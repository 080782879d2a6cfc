import { Problem, sha256 } from '@convos/kit'
import { type Request, type Response, Router } from 'express'
import { assertOrigin, type Auth, callerOf, cookieName, keyLives, principalOfKey, readCookie } from '../auth.ts'
import type { Context } from '../context.ts'
import { type Session, SessionRequest } from '../contract/index.ts'
import { deleteSession, insertLoginCode, insertSession, useLoginCode } from '../db/sessions.ts'
import { newToken } from '../naming.ts'

/** Dashboard sessions: made from a key or a login code, kept as a hash, gone with their key. */
export function session(ctx: Context, auth: Auth) {
  const { config, db, limits } = ctx
  const name = cookieName(config.publicUrl)
  const cookie = { httpOnly: true, sameSite: 'strict', path: '/', secure: config.publicUrl.startsWith('https:') } as const
  const slowDown = loginLimit(limits.loginsPerMinute)

  async function prove(body: unknown) {
    const given = SessionRequest.parse(body ?? {})
    if ('key' in given) return principalOfKey(ctx, given.key)
    const code = await useLoginCode(db, sha256(given.loginCode))
    return code && keyLives(ctx, code.key_hash) ? { id: code.principal, role: code.role, keyHash: code.key_hash } : null
  }

  const present = (role: Session['role'], expiresAt: Date): Session => ({
    role,
    expiresAt: expiresAt.toISOString(),
    environment: config.environment,
  })

  return Router()
    .post('/api/session', auth('public'), async (req, res) => {
      assertOrigin(req, config.publicUrl, { required: false })
      slowDown(req)
      const proven = await prove(req.body)
      if (!proven) throw new Problem({ status: 401, code: 'UNAUTHORIZED', detail: 'the key or code is not (any more) accepted' })
      const token = newToken()
      const { id: principal, role, keyHash } = proven
      const expiresAt = await insertSession(db, { tokenHash: sha256(token), principal, role, keyHash, ms: limits.sessionMs })
      res.cookie(name, token, { ...cookie, maxAge: limits.sessionMs })
      res.status(201).json(present(role, expiresAt))
    })
    .get('/api/session', auth('claimer'), (_req, res: Response) => {
      const { role, session: current } = callerOf(res)
      if (!current) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'this caller uses a key, not a session' })
      res.json(present(role, current.expiresAt))
    })
    .delete('/api/session', auth('public'), async (req, res) => {
      const token = readCookie(req, name)
      if (token !== null) await deleteSession(db, sha256(token))
      res.clearCookie(name, cookie).status(204).end()
    })
    .post('/api/session/codes', auth('operator'), async (_req, res) => {
      const { id: principal, role, keyHash } = callerOf(res)
      const loginCode = newToken()
      const code = { codeHash: sha256(loginCode), principal, role, keyHash, ms: limits.loginCodeMs }
      res.status(201).json({ loginCode, expiresAt: (await insertLoginCode(db, code)).toISOString() })
    })
}

/** So many tries per minute and client address. */
function loginLimit(perMinute: number): (req: Request) => void {
  const tries = new Map<string, { count: number; until: number }>()
  return ({ ip = '' }) => {
    const now = performance.now()
    for (const [address, { until }] of tries) if (until <= now) tries.delete(address)
    const mine = tries.get(ip) ?? { count: 0, until: now + 60_000 }
    tries.set(ip, { ...mine, count: mine.count + 1 })
    if (mine.count < perMinute) return
    const headers = { 'Retry-After': String(Math.ceil((mine.until - now) / 1000)) }
    throw new Problem({ status: 429, code: 'RATE_LIMITED', detail: 'too many tries to log in; wait a minute', headers })
  }
}
