import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { Problem } from './problem.ts'

export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares digests in constant time: neither the length nor a shared prefix of a secret can be measured. */
export function secretMatches(given: string, accepted: readonly string[]): boolean {
  const digest = sha256(given)
  return accepted.map((secret) => timingSafeEqual(digest, sha256(secret))).includes(true)
}

/** `Authorization: Bearer <one of the accepted secrets>`, else 401. */
export function bearer(accepted: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    const given = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1]
    if (given === undefined || !secretMatches(given, accepted)) {
      throw new Problem({ status: 401, code: 'UNAUTHORIZED', headers: { 'WWW-Authenticate': 'Bearer' } })
    }
    next()
  }
}
