import { Problem } from '@convos/kit'
import { createSiweMessage, parseSiweMessage } from 'viem/siwe'
import { verifyMessage } from 'viem/utils'
import { z } from 'zod'
import { NONCE_USED } from '../db/nonces.ts'
import { type Audience, expiryOf } from './challenge.ts'

/** A message as it came, and what is said to be its signature. Neither is stored. */
export interface Signed {
  message: string
  signature: string
}

/** Who signed, checksummed; the nonce is good for this one claim. */
export interface ProvenOwner {
  address: string
  nonce: string
  nonceExpiresAt: Date
}

export interface OwnerRules {
  audience: Audience
  /** Whose nonces are ours. */
  secrets: readonly string[]
  now: Date
  /** How old a message may be, ms, and how far the clock of who signed it may be ahead. */
  maxAgeMs: number
  aheadMs: number
}

type Hex = `0x${string}`
const isHex = (text: string): text is Hex => /^0x[0-9a-fA-F]+$/.test(text)
const hex = z.string().refine(isHex)

/** What must be there. The parser leaves out whatever it does not understand, expiry and nonce first. */
const Message = z.looseObject({
  address: hex,
  domain: z.string(),
  uri: z.string(),
  version: z.literal('1'),
  chainId: z.number(),
  nonce: z.string(),
  issuedAt: z.date(),
  expirationTime: z.date(),
  notBefore: z.date().optional(),
  scheme: z.string().optional(),
  statement: z.string().optional(),
  requestId: z.string().optional(),
  resources: z.array(z.string()).optional(),
})
type Message = z.infer<typeof Message>

const MALFORMED =
  'ownerMessage is not an EIP-4361 message in its exact form: a checksummed address, version 1, an expiration time, times as 2030-01-31T12:00:00.000Z'
const NOT_FOR_US = 'ownerMessage does not name the domain, the uri and the chain id of the challenge'
const NOT_NOW = 'ownerMessage is not valid now: it must have been issued within the last 10 minutes and not have expired'
const NO_CHALLENGE = 'the nonce of ownerMessage is not from a challenge of this pool, or has expired; ask for another'
const NOT_SIGNED = 'ownerSignature is not the EIP-191 signature (65 bytes in hex) of ownerMessage by its address'

/** Says which check did not hold; what is used up is told only to who has signed. */
const badSignature = (detail: string) => new Problem({ status: 401, code: 'BAD_SIGNATURE', detail })
export const nonceUsed = () => new Problem(NONCE_USED)

/** The nonce that a message claims to have, unproven; null without one. */
export const nonceOf = ({ message }: Signed): string | null => parseSiweMessage(message).nonce ?? null

/**
 * The owner that a signed message proves; whether its nonce was used before is for the database to say.
 * @throws Problem 401 `BAD_SIGNATURE`
 */
export async function proveOwner({ message, signature }: Signed, rules: OwnerRules): Promise<ProvenOwner> {
  const { audience, now, maxAgeMs, aheadMs } = rules
  const { data: said } = Message.safeParse(parseSiweMessage(message))
  if (!said || canonical(said) !== message) throw badSignature(MALFORMED)
  const isOurs = said.domain === audience.domain && said.uri === audience.uri && said.chainId === audience.chainId
  if (!isOurs || !suits(said.scheme, audience)) throw badSignature(NOT_FOR_US)
  const ageMs = now.getTime() - said.issuedAt.getTime()
  const isValid = (said.notBefore ?? now) <= now && now < said.expirationTime
  if (!isValid || ageMs > maxAgeMs || ageMs < -aheadMs) throw badSignature(NOT_NOW)
  const nonceExpiresAt = expiryOf(said.nonce, rules.secrets)
  if (!nonceExpiresAt || nonceExpiresAt <= now) throw badSignature(NO_CHALLENGE)
  if (!(await signed(said.address, message, signature))) throw badSignature(NOT_SIGNED)
  // in its canonical form the address is checksummed
  return { address: said.address, nonce: said.nonce, nonceExpiresAt }
}

/** The one way to write what was understood: a message that is anything else says something that was not. Null: no way. */
function canonical(said: Message): string | null {
  try {
    return createSiweMessage(said)
  } catch {
    return null
  }
}

const suits = (scheme: string | undefined, { uri }: Audience) => scheme === undefined || uri.startsWith(`${scheme}://`)

/** Malformed signatures throw, and are none. */
async function signed(address: Hex, message: string, signature: string): Promise<boolean> {
  if (!isHex(signature)) return false
  try {
    return await verifyMessage({ address, message, signature })
  } catch {
    return false
  }
}
