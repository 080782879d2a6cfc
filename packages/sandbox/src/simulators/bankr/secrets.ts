import { createHash, randomBytes, randomInt } from 'node:crypto'

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

export const alphanumeric = (length: number) =>
  Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('')

export const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

/** The address with EIP-55's checksum, which is the case of its letters. */
export function checksummed(address: string): string {
  const checksum = createHash('keccak-256').update(address.toLowerCase()).digest('hex')
  const inCase = (digit: string, at: number) => (Number.parseInt(checksum.charAt(at), 16) >= 8 ? digit.toUpperCase() : digit)
  return `0x${Array.from(address.toLowerCase(), inCase).join('')}`
}

export const newEvmAddress = () => checksummed(randomBytes(20).toString('hex'))

/** An address of 32 random bytes, as Solana writes it. */
export function newSolanaAddress(): string {
  const bytes = randomBytes(32)
  let rest = BigInt(`0x${bytes.toString('hex')}`)
  let text = ''
  for (; rest > 0n; rest /= 58n) text = BASE58[Number(rest % 58n)] + text
  const zeroes = bytes.findIndex((byte) => byte !== 0)
  return '1'.repeat(Math.max(0, zeroes)) + text
}
