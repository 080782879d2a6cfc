import type { KnownInstance, StatusDetail } from '@convos/services/contract'
import type { Status } from '../contract/index.ts'

/** A row as this database has it, and whether it has ever heard of the claim that the box names. */
export interface RecoveryRow {
  id: string
  status: Status
  claim_id: string | null
  conversation_id: string | null
}

/** Whom a box belongs to, as far as services can tell. */
export interface Belonging {
  claimId: string | null
  conversationId: string | null
  inviteUrl: string | null
  agentName: string | null
}

export type Recovery = { id: string; why: string } & (
  | { kind: 'add'; as: 'starting' | 'crashed'; createdAt: string; belongs: Belonging; detail: StatusDetail }
  | { kind: 'complete'; belongs: Belonging & { claimId: string; conversationId: string } }
  | { kind: 'leave' }
)

/** Nothing that a row could stand for, or nothing that is known. */
const NO_WORD: readonly StatusDetail['state'][] = ['absent', 'destroyed', 'destroying', 'unknown']

/**
 * What this database can learn of one instance that services has; null where it has nothing to learn. Whatever may be somebody's
 * becomes `crashed`, which nobody is handed and automation does not end: it is `claimed` again once it answers as that claim's. What
 * is nobody's has to prove itself like a new one.
 */
export function recover(
  known: KnownInstance,
  p: { row: RecoveryRow | undefined; detail: StatusDetail | undefined; claimIsKnown: (claimId: string) => boolean },
): Recovery | null {
  const { row, detail } = p
  const id = known.instanceId
  if (!detail || NO_WORD.includes(detail.state))
    return row ? null : { id, kind: 'leave', why: 'services cannot tell how it is now: try again' }
  const belongs = belongingOf(known, detail)
  const { claimId, conversationId } = belongs
  if (!row) {
    const mayBeSomebodys = claimId !== null || (detail.health !== null && !isNobodys(detail.health))
    const why = mayBeSomebodys ? 'it is an agent of somebody' : 'it is nobody’s, as far as it ever answered'
    return { id, kind: 'add', as: mayBeSomebodys ? 'crashed' : 'starting', why, createdAt: known.createdAt, belongs, detail }
  }
  // of a box that this database saw becoming another's, or that it was told to adopt
  if (row.status !== 'crashed' || row.claim_id !== null) return null
  if (claimId === null || conversationId === null || detail.health?.binding !== 'active') return null
  if (p.claimIsKnown(claimId)) return { id, kind: 'leave', why: `it names claim ${claimId}, which ended otherwise here` }
  return { id, kind: 'complete', why: 'it says whose it is', belongs: { ...belongs, claimId, conversationId } }
}

const isNobodys = (health: NonNullable<StatusDetail['health']>): boolean =>
  health.clean && health.binding === 'none' && health.claimId === null && health.conversationId === null

function belongingOf({ instanceId, name, claimId }: KnownInstance, { health }: StatusDetail): Belonging {
  const bound = health?.claimId ?? claimId
  return {
    claimId: bound,
    conversationId: health?.conversationId ?? null,
    inviteUrl: health?.inviteUrl ?? null,
    // in words that a project's name bears; the name itself is nowhere else
    agentName: bound === null ? null : (name?.replace(new RegExp(`-?${instanceId}$`), '') ?? '') || null,
  }
}
