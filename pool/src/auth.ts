import { timingSafeEqual } from 'node:crypto'
import { Problem, sha256 } from '@convos/kit'
import type { Request, RequestHandler, Response } from 'express'
import type { Context } from './context.ts'
import type { Role } from './contract/index.ts'
import { useKey } from './db/keys.ts'
import { readSession } from './db/sessions.ts'
import { isApiKey } from './naming.ts'

/** How many claims a named key may make; null: as many as it likes. */
export interface KeyLimits {
  claimsPerMinute: number | null
  claimsPerDay: number | null
}

/** Who calls. `keyHash` names the key behind it: a session has its rights, and dies with it. */
export interface Principal {
  id: string
  role: Role
  keyHash: Buffer
  /** Of the key; null for the pool's own. */
  keyName: string | null
  /** Null for the pool key, which is never throttled. */
  limits: KeyLimits | null
  /** Set for a dashboard session. */
  session: { expiresAt: Date } | null
}

/** Who may call an endpoint; the scraper's token is checked by its route. */
export type AuthClass = 'public' | 'claimer' | 'operator' | 'metrics'

const RANK = { public: 0, claimer: 1, operator: 2 } as const

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

/** The principal behind a key: the pool's own, or a named one that was not revoked. */
export async function principalOfKey(ctx: Context, key: string): Promise<Principal | null> {
  const keyHash = sha256(key)
  return poolPrincipal(ctx, keyHash) ?? (isApiKey(key) ? namedPrincipal(ctx, keyHash) : null)
}

/** The principal behind what was made from a key, as long as that key is accepted. */
export const principalOfKeyHash = async (ctx: Context, keyHash: Buffer): Promise<Principal | null> =>
  poolPrincipal(ctx, keyHash) ?? namedPrincipal(ctx, keyHash)

function poolPrincipal({ config }: Context, keyHash: Buffer): Principal | null {
  // each one is compared, in constant time
  const accepted = config.apiKeys.map((key) => timingSafeEqual(sha256(key), keyHash)).includes(true)
  return accepted ? { id: 'key:pool', role: 'operator', keyHash, keyName: null, limits: null, session: null } : null
}

async function namedPrincipal({ db }: Context, keyHash: Buffer): Promise<Principal | null> {
  const key = await useKey(db, keyHash)
  if (!key) return null
  const limits = { claimsPerMinute: key.claims_per_minute, claimsPerDay: key.claims_per_day }
  return { id: `key:${key.id}`, role: key.role, keyHash, keyName: key.name, limits, session: null }
}

/** Who makes this request: bearer key first, else the session cookie; null for nobody. */
export async function identify(ctx: Context, req: Request): Promise<Principal | null> {
  const key = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1]
  if (key !== undefined) return principalOfKey(ctx, key)
  const token = readCookie(req, cookieName(ctx.config.publicUrl))
  const session = token === null ? null : await readSession(ctx.db, sha256(token))
  const principal = session && (await principalOfKeyHash(ctx, session.key_hash))
  if (!principal) return null
  assertOurPage(req, ctx.config.publicUrl)
  return { ...principal, session: { expiresAt: session.expires_at } }
}

/** A write that carries the cookie must come from the dashboard itself. */
function assertOurPage(req: Request, publicUrl: string): void {
  if (req.method === 'GET' || req.method === 'HEAD') return
  assertOrigin(req, publicUrl, { required: true })
  if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
    throw new Problem({ status: 415, code: 'JSON_REQUIRED', detail: 'send Content-Type: application/json' })
}

/** The guards of each class. */
export function createGuards(ctx: Context): Record<AuthClass, RequestHandler[]> {
  const guard = (required: keyof typeof RANK): RequestHandler[] => [
    async (req, res, next) => {
      const principal = await identify(ctx, req)
      if (!principal && required !== 'public')
        throw new Problem({ status: 401, code: 'UNAUTHORIZED', headers: { 'WWW-Authenticate': 'Bearer' } })
      if (principal && RANK[principal.role] < RANK[required])
        throw new Problem({ status: 403, code: 'FORBIDDEN', detail: `this needs the role ${required}` })
      res.locals['principal'] = principal ?? undefined
      next()
    },
  ]
  return { public: guard('public'), claimer: guard('claimer'), operator: guard('operator'), metrics: [] }
}

/** Refuses a request that another site's page makes. */
export function assertOrigin(req: Request, publicUrl: string, { required }: { required: boolean }): void {
  const { origin } = req.headers
  if (origin === undefined ? required : origin !== new URL(publicUrl).origin)
    throw new Problem({ status: 403, code: 'BAD_ORIGIN', detail: 'the request does not come from this dashboard' })
}
