import { randomBytes, randomInt } from 'node:crypto'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const draw = (length: number) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

export const newInstanceId = (): string => draw(12)
export const newClaimId = (): string => `clm_${draw(20)}`
export const newKeyId = (): string => draw(12)
export const newOperationId = (): string => `op_${draw(20)}`

/** A secret that cannot be guessed, safe in URLs and cookies. */
export const newToken = (): string => randomBytes(32).toString('base64url')

const KEY_PREFIX = 'convos_'

/** A key for people and scripts; the prefix says what was found where one has leaked. */
export const newApiKey = (): string => `${KEY_PREFIX}${newToken()}`

/** Whether this can be a key of ours at all: other strings are not worth a look into the database. */
export const isApiKey = (given: string): boolean => given.startsWith(KEY_PREFIX)
