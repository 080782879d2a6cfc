import { HttpError } from '@convos/kit'
import { Claim } from '../../contract/index.ts'
import type { Api } from '../client.ts'
import { bodyOf, keyOf, type Slot } from './slot.ts'

/** How a canary reaches the pool, and how long it waits for an answer. */
export interface Reach {
  api: Api
  answerMs: number
}

/** A claim that may hold an agent: its key finds it again, by whoever asks. */
export interface Held {
  slot: Slot
  key: string
  /** Null while nobody knows what became of it. */
  claimId: string | null
}

/** Claims that were made in one slot before: restarts, and runs by hand. */
const KEYS_MAX = 100

/** Why a call failed: the pool's own code, or what happened to the call. */
export function codeOf(err: unknown): string {
  const cause = err instanceof HttpError ? err : err instanceof Error ? err.cause : null
  if (!(cause instanceof HttpError)) return 'UNKNOWN'
  const unanswered = { network: 'UNREACHABLE', timeout: 'NO_ANSWER', body: 'UNEXPECTED_ANSWER', status: 'UNEXPECTED_ANSWER' }
  return cause.code ?? unanswered[cause.kind]
}

const GONE = ['CLAIM_ENDED', 'CLAIM_CANCELLED']
/** Answers that leave open whether there is a claim, or say nothing of one made before. */
const OPEN = ['UNREACHABLE', 'NO_ANSWER', 'UNEXPECTED_ANSWER', 'UNKNOWN', 'INTERNAL', 'SHUTTING_DOWN', 'BUSY']
const SHUT_OUT = ['UNAUTHORIZED', 'FORBIDDEN']

const claimUnder = ({ api, answerMs }: Reach, slot: Slot, key: string): Promise<Claim> =>
  api.post('/api/pool/claim', bodyOf(slot), Claim, { timeoutMs: answerMs, headers: { 'idempotency-key': key } })

/**
 * Claims under the slot's first key whose agent is not gone yet: what a canary that died had claimed is found by that.
 * @param holds told what may hold an agent, before it is asked for, and null when it is known to hold none
 */
export async function claimNext(reach: Reach, slot: Slot, holds: (held: Held | null) => void): Promise<Claim> {
  for (let n = 0; n < KEYS_MAX; n++) {
    const key = keyOf(slot, n)
    holds({ slot, key, claimId: null })
    try {
      const claim = await claimUnder(reach, slot, key)
      holds({ slot, key, claimId: claim.claimId })
      return claim
    } catch (err) {
      const code = codeOf(err)
      if (!OPEN.includes(code) || neverSent(err)) holds(null)
      if (!GONE.includes(code)) throw err
    }
  }
  throw new Error(`${KEYS_MAX} claims were made in this slot already`)
}

/** Nobody listened, so that no claim can have been made. */
function neverSent(err: unknown): boolean {
  for (let at = err; at instanceof Error; at = at.cause)
    if ('code' in at && ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(String(at.code))) return true
  return false
}

const OVER: readonly Claim['status'][] = ['ended', 'cancelled', 'failed']

/**
 * Gives up what a key holds, and returns once nothing is left of it.
 * @throws where that is not known
 */
export async function giveUp(reach: Reach, { slot, key, claimId }: Held): Promise<void> {
  const id = claimId ?? (await findUnder(reach, slot, key))
  if (id === null) return
  const { status } = await reach.api.delete(`/api/pool/claims/${id}`, Claim)
  if (!OVER.includes(status)) throw new Error(`it was given up, and is ${status}`)
}

/** The claim of a key; null: it holds no agent. A key that was never used makes a claim now, which is given up like any other. */
async function findUnder(reach: Reach, slot: Slot, key: string): Promise<string | null> {
  try {
    return (await claimUnder(reach, slot, key)).claimId
  } catch (err) {
    const code = codeOf(err)
    if (OPEN.includes(code) || SHUT_OUT.includes(code)) throw err
    return null
  }
}
