import { randomBytes } from 'node:crypto'
import type { SimClock } from '../../../core/clock.ts'
import type { Health, ProfileRequest, ProvisionReply, ProvisionRequest } from './contract.ts'
import { cancelled, foreignClaim, notBound } from './errors.ts'
import { cancelledBefore, type Claim, newClaim, type Volume } from './model.ts'

interface Parts {
  volume: Volume
  variables: Record<string, string>
  clock: SimClock
  /** How long a claim is being carried out. */
  workMs: () => number
  /** A link that looks like one of the simulated network. */
  inviteUrl: (slug: string) => string
}

export type VirtualAgent = ReturnType<typeof virtualAgent>

/**
 * The agent server's bookkeeping without its conversation: one claim per box, kept on its volume. Conversations are made up,
 * and whoever asks to join one is let in.
 */
export function virtualAgent({ volume, variables, clock, workMs, inviteUrl }: Parts) {
  /** What carries the claim out; whoever provisions waits for it. */
  let work = { done: Promise.resolve(), halt: () => {} }

  function carryOut(claim: Claim): void {
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const finish = () => {
      claim.state = 'active'
      claim.conversationId = randomBytes(16).toString('hex')
      claim.inviteUrl = claim.joinUrl ?? inviteUrl(randomBytes(24).toString('base64url'))
      resolve()
    }
    const ms = workMs()
    const stop = ms > 0 ? clock.after(ms, finish) : () => {}
    const halt = () => {
      stop()
      resolve()
    }
    work = { done, halt }
    if (ms === 0) finish()
  }

  if (volume.claim?.state === 'working') carryOut(volume.claim)

  return {
    health(): Health {
      const { claim, overlay } = volume
      return {
        ready: Boolean(overlay['OPENROUTER_API_KEY'] ?? variables['OPENROUTER_API_KEY']),
        clean: claim === null && Object.keys(overlay).length === 0,
        version: 'virtual',
        binding: claim === null ? 'none' : claim.state === 'cancelled' ? 'refused' : claim.state,
        conversationId: claim?.conversationId ?? null,
        inviteUrl: claim?.inviteUrl ?? null,
        claimId: claim?.claimId ?? null,
        lastActivityAt: null,
        fault: null,
      }
    },

    async provision(request: ProvisionRequest): Promise<ProvisionReply> {
      const { claimId, agentName, instructions, model = null, joinUrl = null, env } = request
      const known = volume.claim
      if (known && known.claimId !== claimId) throw foreignClaim()
      volume.overlay = known ? { ...volume.overlay, ...env } : { ...env }
      if (!known) carryOut((volume.claim = newClaim({ claimId, agentName, instructions, model, joinUrl })))
      await work.done
      const { claim } = volume
      if (claim?.claimId !== claimId || claim.state !== 'active') throw cancelled()
      const { conversationId, inviteUrl: invite } = claim
      return { ok: true, conversationId, inviteUrl: invite, joined: claim.joinUrl !== null, status: 'active' }
    },

    changeProfile({ revision, agentName, instructions, model }: ProfileRequest): void {
      const { claim } = volume
      if (!claim) throw notBound()
      if (revision <= claim.profileRevision) return
      claim.profileRevision = revision
      claim.agentName = agentName ?? claim.agentName
      claim.instructions = instructions ?? claim.instructions
      claim.model = model ?? claim.model
    },

    /** Null takes away what was laid over before. */
    layOver(env: Record<string, string | null>): void {
      const laid = Object.entries({ ...volume.overlay, ...env }).filter(([, value]) => value !== null)
      volume.overlay = Object.fromEntries(laid) as Record<string, string>
    },

    /** Gives the claim up; whether it is in the invited conversation in spite of that. */
    cancel(claimId: string): boolean {
      const claim = (volume.claim ??= cancelledBefore(claimId))
      if (claim.claimId !== claimId) return false
      if (claim.joinUrl !== null && claim.state === 'active') return true
      claim.state = 'cancelled'
      work.halt()
      return false
    },

    reset(): void {
      volume.claim = null
      volume.overlay = {}
      work.halt()
    },

    /** The process ends: what is half done goes on at the next start. */
    stop: () => work.halt(),
  }
}
