import { createHmac, timingSafeEqual } from 'node:crypto'

/** A key that signs links and nothing else; the gateway token cannot be found out from it. */
export const linkKey = (gatewayToken: string): Buffer => createHmac('sha256', gatewayToken).update('web-tools links').digest()

/** A path that is good until then: `<path>/<seconds, base 36>.<signature>`. */
export function signPath(key: Buffer, path: string, expiresAt: Date): string {
  const until = Math.floor(expiresAt.getTime() / 1000).toString(36)
  return `${path}/${until}.${signature(key, path, until)}`
}

export type Opened = { state: 'good'; path: string; expiresAt: Date } | { state: 'forged' } | { state: 'expired' }

/** What a signed path leads to. Only what bears our signature is told that it is too late. */
export function openPath(key: Buffer, signed: string, now: Date): Opened {
  const [, path = '', until = '', given = ''] = /^(\/.+)\/([0-9a-z]{1,9})\.([\w-]{43})$/.exec(signed) ?? []
  if (path === '' || !timingSafeEqual(Buffer.from(given), Buffer.from(signature(key, path, until)))) return { state: 'forged' }
  const expiresAt = new Date(Number.parseInt(until, 36) * 1000)
  return expiresAt > now ? { state: 'good', path, expiresAt } : { state: 'expired' }
}

const signature = (key: Buffer, path: string, until: string) =>
  createHmac('sha256', key).update(`${path}\n${until}`).digest('base64url')
