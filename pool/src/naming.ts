import { randomBytes, randomInt } from 'node:crypto'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const draw = (length: number) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

export const newInstanceId = (): string => draw(12)
export const newClaimId = (): string => `clm_${draw(20)}`
export const newOperationId = (): string => `op_${draw(20)}`

/** A secret that cannot be guessed, safe in URLs and cookies. */
export const newToken = (): string => randomBytes(32).toString('base64url')
