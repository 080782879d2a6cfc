import { z } from 'zod'

/** The claim that a virtual instance serves, or served; `cancelled`: it never will again. */
const Claim = z.object({
  claimId: z.string(),
  agentName: z.string(),
  instructions: z.string(),
  model: z.string().nullable(),
  joinUrl: z.string().nullable(),
  /** The last applied one; -1 before the first. */
  profileRevision: z.int(),
  state: z.enum(['working', 'active', 'cancelled']),
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
})
export type Claim = z.infer<typeof Claim>

/** What survives a redeploy. */
export const Volume = z.object({ claim: Claim.nullable(), overlay: z.record(z.string(), z.string()) })
export type Volume = z.infer<typeof Volume>

export const emptyVolume = (): Volume => ({ claim: null, overlay: {} })

export const newClaim = (p: Pick<Claim, 'claimId' | 'agentName' | 'instructions' | 'model' | 'joinUrl'>): Claim => ({
  ...p,
  profileRevision: -1,
  state: 'working',
  conversationId: null,
  inviteUrl: null,
})

/** Keeps a claim out that was cancelled before it came. */
export const cancelledBefore = (claimId: string): Claim => ({
  ...newClaim({ claimId, agentName: '', instructions: '', model: null, joinUrl: null }),
  state: 'cancelled',
})
