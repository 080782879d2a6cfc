import { z } from 'zod'
import type { Binding, ProvisionReply } from '../contract.ts'

/**
 * What this box knows about the one claim it serves. `working`: being carried out. `pending`: asked to join. `active`: in its
 * conversation. `ended`: that conversation is no more. `refused`: asked, and the answer was no. `cancelled`: given up by who
 * claimed; it can never serve that claim again.
 */
export const BindingRecord = z.object({
  claimId: z.string(),
  mode: z.enum(['create', 'join']),
  joinUrl: z.string().nullable(),
  agentName: z.string(),
  instructions: z.string(),
  model: z.string().nullable(),
  /** The last applied one; -1 before the first. */
  profileRevision: z.number().int(),
  state: z.enum(['working', 'pending', 'active', 'ended', 'refused', 'cancelled']),
  conversationId: z.string().nullable(),
  inviteUrl: z.string().nullable(),
  /** When the conversation ends for everybody, RFC 3339; null while nobody has said so. */
  endsAt: z.string().nullable().default(null),
})
export type BindingRecord = z.infer<typeof BindingRecord>
type State = BindingRecord['state']

export interface ClaimOrder {
  claimId: string
  agentName: string
  instructions: string
  model: string | null
  /** Null: create a conversation. */
  joinUrl: string | null
}

export const begin = (order: ClaimOrder): BindingRecord => ({
  ...order,
  mode: order.joinUrl === null ? 'create' : 'join',
  profileRevision: -1,
  state: 'working',
  conversationId: null,
  inviteUrl: null,
  endsAt: null,
})

/** Keeps a claim out that was cancelled before it came; the box counts as touched from then on. */
export const cancelledBefore = (claimId: string): BindingRecord => ({
  ...begin({ claimId, agentName: '', instructions: '', model: null, joinUrl: null }),
  state: 'cancelled',
})

export type Happening =
  | { type: 'bound'; conversationId: string; inviteUrl: string | null }
  | { type: 'requested' }
  | { type: 'refused' }
  | { type: 'ending'; at: string }
  | { type: 'ended' }
  | { type: 'cancelled' }

const MOVES: Record<Happening['type'], { from: readonly State[]; to: State }> = {
  bound: { from: ['working', 'pending'], to: 'active' },
  requested: { from: ['working'], to: 'pending' },
  refused: { from: ['working', 'pending'], to: 'refused' },
  ending: { from: ['active'], to: 'active' },
  ended: { from: ['active'], to: 'ended' },
  cancelled: { from: ['working', 'pending', 'active', 'ended', 'refused'], to: 'cancelled' },
}

/** The record after something happened; null when that can no longer change it, e.g. admission after a cancel. */
export function advance(record: BindingRecord, happening: Happening): BindingRecord | null {
  const { from, to } = MOVES[happening.type]
  if (!from.includes(record.state)) return null
  if (happening.type === 'ending') return { ...record, endsAt: happening.at }
  if (happening.type !== 'bound') return { ...record, state: to }
  return { ...record, state: to, conversationId: happening.conversationId, inviteUrl: happening.inviteUrl ?? record.joinUrl }
}

/** What a provision for this claim meets on a box with this record. */
export function admission(
  record: BindingRecord | null,
  claimId: string,
): 'new' | 'same' | 'FOREIGN_CLAIM' | 'CANCELLED' | 'ENDED' | 'REFUSED' {
  if (!record) return 'new'
  if (record.claimId !== claimId) return 'FOREIGN_CLAIM'
  if (record.state === 'cancelled') return 'CANCELLED'
  if (record.state === 'ended') return 'ENDED'
  return record.state === 'refused' ? 'REFUSED' : 'same'
}

export interface ProfileChange {
  revision: number
  agentName?: string | null | undefined
  instructions?: string | null | undefined
  model?: string | null | undefined
}

/** The record with a newer profile; null when this or a later revision was applied before. */
export function applyProfile(record: BindingRecord, change: ProfileChange): BindingRecord | null {
  if (change.revision <= record.profileRevision) return null
  return {
    ...record,
    profileRevision: change.revision,
    agentName: change.agentName ?? record.agentName,
    instructions: change.instructions ?? record.instructions,
    // none is a choice too: the box's own
    model: change.model === undefined ? record.model : change.model,
  }
}

/** In the words of the contract, which knows no `cancelled` and no `ended`: there, too, nothing is to come any more. */
export function reported(record: BindingRecord | null): Binding {
  if (!record) return 'none'
  return record.state === 'cancelled' || record.state === 'ended' ? 'refused' : record.state
}

/** The conversation it is in, or is about to be in; one that has ended is none. */
export function conversationOf(record: BindingRecord | null): { id: string; inviteUrl: string | null } | null {
  if (!record || record.conversationId === null || record.state === 'ended') return null
  return { id: record.conversationId, inviteUrl: record.inviteUrl }
}

/** The answer to a provision that came this far; null while the record gives none. */
export function replyOf(record: BindingRecord): ProvisionReply | null {
  const { state, mode, conversationId, inviteUrl } = record
  if (state !== 'active' && state !== 'pending') return null
  return { ok: true, conversationId, inviteUrl, joined: state === 'active' && mode === 'join', status: state }
}
