import { type Endpoint, endpoint, Problem, sha256 } from '@convos/kit'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { z } from 'zod'
import { assertOrigin, callerOf, cookieName, principalOfKey, principalOfKeyHash, type Principal, readCookie } from '../auth.ts'
import type { Context } from '../context.ts'
import { LoginCode, Session, SessionRequest } from '../contract/index.ts'
import { deleteSession, insertLoginCode, insertSession, useLoginCode } from '../db/sessions.ts'
import { newToken } from '../naming.ts'
import { tooMany } from '../throttle.ts'

/** Dashboard sessions: made from a key or a login code, kept as a hash, gone with their key. */
export function sessionRoutes(ctx: Context): Endpoint<'public' | 'claimer' | 'operator'>[] {
  const { config, db, limits } = ctx
  const name = cookieName(config.publicUrl)
  const cookie = { httpOnly: true, sameSite: 'strict', path: '/', secure: config.publicUrl.startsWith('https:') } as const
  // guessing is hopeless anyway, so each replica may count for itself
  const tries = new RateLimiterMemory({ points: limits.loginsPerMinute, duration: 60 })

  async function slowDown(address: string): Promise<void> {
    await tries.consume(address).catch((err: unknown) => {
      throw err instanceof RateLimiterRes ? tooMany('too many tries to log in; wait a minute', err.msBeforeNext) : err
    })
  }

  async function prove(given: z.infer<typeof SessionRequest>): Promise<Principal> {
    const keyHash = 'key' in given ? null : await useLoginCode(db, sha256(given.loginCode))
    const proven = 'key' in given ? await principalOfKey(ctx, given.key) : keyHash && (await principalOfKeyHash(ctx, keyHash))
    if (!proven) throw new Problem({ status: 401, code: 'UNAUTHORIZED', detail: 'the key or code is not (any more) accepted' })
    return proven
  }

  const present = ({ id, role, keyName }: Principal, expiresAt: Date): Session => ({
    role,
    principal: id,
    expiresAt: expiresAt.toISOString(),
    environment: config.environment,
    keyName,
  })

  return [
    endpoint({
      method: 'post',
      path: '/api/session',
      operationId: 'createSession',
      summary: 'Turn a key or a login code into a session cookie',
      auth: 'public',
      body: SessionRequest,
      replies: { 201: Session },
      async handle({ body, req, res }) {
        assertOrigin(req, config.publicUrl, { required: false })
        await slowDown(req.ip ?? '')
        const proven = await prove(body)
        const { id: principal, role, keyHash } = proven
        const token = newToken()
        const expiresAt = await insertSession(db, { tokenHash: sha256(token), principal, role, keyHash, ms: limits.sessionMs })
        res.cookie(name, token, { ...cookie, maxAge: limits.sessionMs })
        return { status: 201, body: present(proven, expiresAt) }
      },
    }),
    endpoint({
      method: 'get',
      path: '/api/session',
      operationId: 'getSession',
      summary: 'The session that this cookie stands for',
      auth: 'claimer',
      replies: { 200: Session },
      handle({ res }) {
        const caller = callerOf(res)
        if (!caller.session)
          throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'this caller uses a key, not a session' })
        return { status: 200, body: present(caller, caller.session.expiresAt) }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/api/session',
      operationId: 'deleteSession',
      summary: 'End the session',
      auth: 'public',
      replies: { 204: z.undefined() },
      async handle({ req, res }) {
        const token = readCookie(req, name)
        if (token !== null) await deleteSession(db, sha256(token))
        res.clearCookie(name, cookie)
        return { status: 204, body: undefined }
      },
    }),
    endpoint({
      method: 'post',
      path: '/api/session/codes',
      operationId: 'createLoginCode',
      summary: 'A code that opens one session, used as `/login#<code>`',
      auth: 'operator',
      replies: { 201: LoginCode },
      async handle({ res }) {
        const { id: principal, role, keyHash } = callerOf(res)
        const loginCode = newToken()
        const code = { codeHash: sha256(loginCode), principal, role, keyHash, ms: limits.loginCodeMs }
        return { status: 201, body: { loginCode, expiresAt: (await insertLoginCode(db, code)).toISOString() } }
      },
    }),
  ]
}
