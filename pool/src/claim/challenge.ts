import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** In hex: 12 random bytes, the time of expiry in seconds, 16 bytes of MAC. EIP-4361 takes letters and digits alone. */
const NONCE = /^([0-9a-f]{24}[0-9a-f]{8})([0-9a-f]{32})$/

/** The only chain whose messages are taken: a signature means the same on all of them, so that one will do. */
const CHAIN_ID = 1

/** Whom a signed message must be for: this pool, and nothing but a claim. */
export interface Audience {
  domain: string
  uri: string
  chainId: number
}

export const audienceOf = (publicUrl: string): Audience => ({
  domain: new URL(publicUrl).host,
  uri: `${publicUrl}/api/pool/claim`,
  chainId: CHAIN_ID,
})

/** A nonce that needs no row: it tells by itself until when it is good, to the second, and that it is one of ours. */
export function makeNonce(secrets: readonly string[], until: Date, random = randomBytes(12)): { nonce: string; expiresAt: Date } {
  const seconds = Math.floor(until.getTime() / 1000)
  const text = `${random.toString('hex')}${seconds.toString(16).padStart(8, '0')}`
  return { nonce: `${text}${macOf(text, secrets[0] ?? '')}`, expiresAt: new Date(seconds * 1000) }
}

/** Until when a nonce is good; null when none of our secrets made it. */
export function expiryOf(nonce: string, secrets: readonly string[]): Date | null {
  const [, text = '', mac = ''] = NONCE.exec(nonce) ?? []
  const isOurs = secrets.some((secret) => mac !== '' && timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(text, secret))))
  return isOurs ? new Date(Number.parseInt(text.slice(24), 16) * 1000) : null
}

/** The words before it keep it apart from whatever else these secrets make. */
const macOf = (text: string, secret: string): string =>
  createHmac('sha256', secret).update(`claim challenge ${text}`).digest('hex').slice(0, 32)
