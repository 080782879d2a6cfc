import { Problem } from '@convos/kit'
import type { Request, RequestHandler, Response } from 'express'
import { tokenHash } from '../crypto.ts'
import { type Caller, findCaller } from '../db/callers.ts'
import { PUBLIC_PER_ADDRESS, PUBLIC_PER_INSTANCE, WEBHOOK_WINDOW } from '../limits.ts'
import type { PublicAuth, PublicContext, PublicSettings } from './context.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import { publicKeyOf, signedLately } from './signature.ts'

const MINUTE = 60_000

/** The instance that a request's token is of; null until that is known. */
export const callerIn = (res: Response): Caller | null => (res.locals['caller'] as Caller | undefined) ?? null

/** The instance that a guard has let in. */
export function callerOf(res: Response): Caller {
  const caller = callerIn(res)
  if (!caller) throw unauthorized()
  return caller
}

const unauthorized = () => new Problem({ status: 401, code: 'UNAUTHORIZED', headers: { 'WWW-Authenticate': 'Bearer' } })

/** What stands before the endpoints of each class. */
export function createGuards(ctx: PublicContext, settings: PublicSettings): Record<PublicAuth, RequestHandler[]> {
  const perMinute = (max: number) => createLimiter(ctx.clock, { max, perMs: MINUTE })
  return {
    open: [],
    instance: [
      limited(perMinute(PUBLIC_PER_ADDRESS), (req) => req.ip ?? ''),
      identified(ctx),
      limited(perMinute(PUBLIC_PER_INSTANCE), (_req, res) => callerOf(res).instanceId),
      itself,
    ],
    signed: [signed(ctx, settings.telnyxPublicKey)],
  }
}

function limited(limiter: Limiter, keyOf: (req: Request, res: Response) => string): RequestHandler {
  return (req, res, next) => {
    const waitMs = limiter(keyOf(req, res))
    if (waitMs !== null)
      throw new Problem({
        status: 429,
        code: 'RATE_LIMITED',
        detail: 'too many requests; wait a little',
        headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
      })
    next()
  }
}

/** Only hashes are compared, by the database's index: how long that takes says nothing about the token. */
const identified =
  ({ db }: PublicContext): RequestHandler =>
  async (req, res, next) => {
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1]
    const caller = token === undefined ? null : await findCaller(db, tokenHash(token))
    if (!caller) throw unauthorized()
    res.locals['caller'] = caller
    res.set('Cache-Control', 'no-store')
    next()
  }

/** An instance speaks for itself alone, and only while somebody has claimed it. */
const itself: RequestHandler = (req, res, next) => {
  const { instanceId, wish, claimId } = callerOf(res)
  if (req.params['instanceId'] !== instanceId)
    throw new Problem({ status: 403, code: 'NOT_YOURS', detail: 'this token is of another instance' })
  if (wish !== 'present' || claimId === null)
    throw new Problem({ status: 403, code: 'NOT_CLAIMED', detail: `instance ${instanceId} is nobody's` })
  next()
}

/** Nothing is looked at, let alone stored, before the signature is known to be the provider's own. */
function signed({ clock }: PublicContext, publicKey: string | null): RequestHandler {
  const key = publicKey === null ? null : publicKeyOf(publicKey)
  return (req, _res, next) => {
    if (!key) throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'no webhooks are configured' })
    const message = {
      body: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
      timestamp: req.get('telnyx-timestamp') ?? '',
      signature: req.get('telnyx-signature-ed25519') ?? '',
    }
    if (!signedLately(message, { key, now: clock.now(), windowMs: WEBHOOK_WINDOW }))
      throw new Problem({ status: 401, code: 'BAD_SIGNATURE', detail: 'the signature is not of this body, or not of now' })
    next()
  }
}
