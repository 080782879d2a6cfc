import { Problem, secretMatches, sha256 } from '@convos/kit'
import type { Request, RequestHandler, Response } from 'express'
import type { Context } from './context.ts'
import type { Role } from './contract/index.ts'
import { readSession } from './db/sessions.ts'

/** Who calls. `keyHash` names the key behind it: a session dies with its key. */
export interface Principal {
  id: string
  role: Role
  keyHash: Buffer
  /** Set for a dashboard session. */
  session: { expiresAt: Date } | null
}

export type AuthClass = 'public' | 'claimer' | 'operator'

/** A route's guard; `authClass` lets a test see that every route has one. */
export type Guard = RequestHandler & { authClass: AuthClass }
export type Auth = (required: AuthClass) => Guard

const RANK: Record<AuthClass, number> = { public: 0, claimer: 1, operator: 2 }

/** The caller that a guard has let in; null only on public routes. */
export const principalOf = (res: Response): Principal | null => (res.locals['principal'] as Principal | undefined) ?? null

/** The caller of a route that is not public. */
export function callerOf(res: Response): Principal {
  const principal = principalOf(res)
  if (!principal) throw new Problem({ status: 401, code: 'UNAUTHORIZED' })
  return principal
}

export const requestIdOf = (req: Request): string => (typeof req.id === 'string' ? req.id : '')

/** Not readable by the page, not sent from other sites, not to other hosts where the browser can promise it. */
export const cookieName = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-convos_session' : 'convos_session'

export function readCookie(req: Request, name: string): string | null {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null
}

/** The principal behind a pool key. */
export function principalOfKey(ctx: Context, key: string): Principal | null {
  if (!secretMatches(key, ctx.config.apiKeys)) return null
  return { id: 'key:pool', role: 'operator', keyHash: sha256(key), session: null }
}

/** Whether the key with this digest is still accepted. */
export const keyLives = (ctx: Context, keyHash: Buffer): boolean => ctx.config.apiKeys.some((key) => sha256(key).equals(keyHash))

/** Makes the guards: bearer key first, else the session cookie. */
export function createAuth(ctx: Context): Auth {
  const cookie = cookieName(ctx.config.publicUrl)

  async function identify(req: Request): Promise<Principal | null> {
    const key = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1]
    if (key !== undefined) return principalOfKey(ctx, key)
    const token = readCookie(req, cookie)
    const session = token === null ? null : await readSession(ctx.db, sha256(token))
    if (!session || !keyLives(ctx, session.key_hash)) return null
    assertOurPage(req)
    const { principal: id, role, key_hash: keyHash, expires_at: expiresAt } = session
    return { id, role, keyHash, session: { expiresAt } }
  }

  /** A write that carries the cookie must come from the dashboard itself. */
  function assertOurPage(req: Request): void {
    if (req.method === 'GET' || req.method === 'HEAD') return
    assertOrigin(req, ctx.config.publicUrl, { required: true })
    if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
      throw new Problem({ status: 415, code: 'JSON_REQUIRED', detail: 'send Content-Type: application/json' })
  }

  return (required) => {
    const guard: RequestHandler = async (req, res, next) => {
      const principal = await identify(req)
      if (!principal && required !== 'public')
        throw new Problem({ status: 401, code: 'UNAUTHORIZED', headers: { 'WWW-Authenticate': 'Bearer' } })
      if (principal && RANK[principal.role] < RANK[required])
        throw new Problem({ status: 403, code: 'FORBIDDEN', detail: `this needs the role ${required}` })
      res.locals['principal'] = principal ?? undefined
      next()
    }
    return Object.assign(guard, { authClass: required })
  }
}

/** Refuses a request that another site's page makes. */
export function assertOrigin(req: Request, publicUrl: string, { required }: { required: boolean }): void {
  const { origin } = req.headers
  if (origin === undefined ? required : origin !== new URL(publicUrl).origin)
    throw new Problem({ status: 403, code: 'BAD_ORIGIN', detail: 'the request does not come from this dashboard' })
}
