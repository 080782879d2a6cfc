import { createPublicKey, type KeyObject, verify } from 'node:crypto'

/** The Ed25519 key behind base64 of its bare 32 bytes. @throws Error when it is none */
export function publicKeyOf(base64: string): KeyObject {
  const x = Buffer.from(base64, 'base64').toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}

interface SignedMessage {
  /** As it came, byte by byte. */
  body: Buffer
  /** Unix seconds. */
  timestamp: string
  /** Base64. */
  signature: string
}

/** Whether `<timestamp>|<body>` bears this key's signature, and the timestamp is of now. */
export function signedLately(
  { body, timestamp, signature }: SignedMessage,
  { key, now, windowMs }: { key: KeyObject; now: Date; windowMs: number },
): boolean {
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now.getTime() - Number(timestamp) * 1000) > windowMs) return false
  return verify(null, Buffer.concat([Buffer.from(`${timestamp}|`), body]), key, Buffer.from(signature, 'base64'))
}
