import type { ProbedHealth, StatusDetail } from '@convos/services/contract'
import type { Status } from '../contract/index.ts'
import type { FleetRow, Observation } from '../db/instances.ts'
import type { Move } from '../db/moves.ts'
import type { Limits } from '../limits.ts'

export type StatusLimits = Limits & { stuckTimeoutMs: number; pendingTimeoutMs: number }

/** What a row's answer asks for. `null` where it asks for nothing: unknown is not a state. */
export type Decision =
  | { kind: 'move'; move: Move }
  /** Services never heard of it: ask again, the call is idempotent. */
  | { kind: 'create'; id: string }
  /** Services does not know the wish yet. */
  | { kind: 'destroy'; id: string }
  | { kind: 'remove'; id: string }
  /** A pending agent was let in. */
  | { kind: 'admit'; id: string; claimId: string; conversationId: string; inviteUrl: string | null }
  /** A pending agent was refused, or its time is over: withdraw it from the invited conversation. */
  | { kind: 'withdraw'; id: string; claimId: string; reason: string }

/** What one answer means for one row, as product and contracts lay down; the only place where an answer becomes a status. */
export function decide(row: FleetRow, detail: StatusDetail | undefined, now: Date, limits: StatusLimits): Decision | null {
  // the date was set for the claim that is known here, not for the one that the box names
  const foreign = detail?.health && isForeign(row, detail.health)
  const ended = foreign ? null : expired(row, now)
  if (ended) return ended
  if (!detail || detail.state === 'unknown') return null
  const { state, health } = detail
  if (row.status === 'deleting') {
    // unknown to services all that time *before* it was asked: the answer may be older than now
    if (state === 'destroyed' || (state === 'absent' && since(row.status_since, row.read_at) >= limits.removeAfterMs))
      return { kind: 'remove', id: row.id }
    return state === 'destroying' || state === 'absent' ? null : { kind: 'destroy', id: row.id }
  }
  if (state === 'absent' || state === 'destroyed' || state === 'destroying') return decideGone(row, state)
  if (health && isForeign(row, health)) {
    const detailOf = { claimId: health.claimId, conversationId: health.conversationId, binding: health.binding }
    return move(row, 'crashed', 'foreign_claim', 'it is bound to a claim or conversation that is not known here', detailOf)
  }
  return DECIDE[row.status]?.(row, detail, now, limits) ?? null
}

type Decide = (row: FleetRow, detail: StatusDetail, now: Date, limits: StatusLimits) => Decision | null

const DECIDE: Partial<Record<Status, Decide>> = {
  starting(row, detail, now, limits) {
    if (provesReady(detail, now, limits)) return move(row, 'ready', 'ready', 'it answered ready and clean')
    if (detail.state === 'deploy_failed') return move(row, 'stuck', 'creation_failed', 'deploy_failed')
    const runningMs = since(detail.deploymentStartedAt, now)
    if (
      runningMs >= limits.stuckTimeoutMs &&
      (failing(detail, now, limits, limits.stuckTimeoutMs) || isFresh(detail, now, limits))
    )
      return move(row, 'stuck', 'creation_failed', 'it did not become ready in time')
    return null
  },
  ready(row, detail, now, limits) {
    if (detail.health && !detail.health.clean) return move(row, 'stuck', 'stuck', 'it is not clean')
    if (detail.state === 'deploy_failed') return move(row, 'stuck', 'stuck', 'deploy_failed')
    return failing(detail, now, limits, limits.readyFailingMs) ? move(row, 'stuck', 'stuck', 'it stopped answering') : null
  },
  pending(row, detail, now, limits) {
    const { health } = detail
    const claimId = row.claim_id ?? ''
    const ours = health?.claimId === row.claim_id
    if (health && ours && health.binding === 'active' && health.conversationId !== null)
      return { kind: 'admit', id: row.id, claimId, conversationId: health.conversationId, inviteUrl: health.inviteUrl }
    if (ours && health?.binding === 'refused') return { kind: 'withdraw', id: row.id, claimId, reason: 'it was not let in' }
    const overdueMs = since(row.status_since, now) - limits.pendingTimeoutMs
    if (overdueMs < 0) return null
    if (overdueMs >= limits.pendingSilentMs && failing(detail, now, limits, limits.pendingSilentMs))
      return move(row, 'crashed', 'crashed', 'it was not let in and does not answer')
    return { kind: 'withdraw', id: row.id, claimId, reason: 'it was not let in in time' }
  },
  claimed(row, detail, now, limits) {
    if (detail.state === 'deploy_failed') return move(row, 'crashed', 'crashed', 'deploy_failed')
    // until a new deployment is up, or has had its time, silence is no evidence; nor is what may still be the old one's answer
    const isDeploying = detail.state === 'deploying'
    const silentMs = isDeploying ? limits.stuckTimeoutMs : limits.claimedFailingMs
    if (failing(detail, now, limits, silentMs)) return move(row, 'crashed', 'crashed', 'it stopped answering')
    if (isDeploying) return null
    const { health } = detail
    // an answer from before the claim was completed says nothing about the conversation
    const answeredSince = health !== null && Date.parse(health.at) >= row.status_since.getTime() + limits.probeSkewMs
    if (answeredSince && health.ready && health.conversationId !== row.conversation_id)
      return move(row, 'crashed', 'crashed', 'it answered without its conversation')
    return null
  },
  crashed(row, detail, now, limits) {
    const { health } = detail
    const back = detail.state === 'healthy' && isFresh(detail, now, limits) && health?.ready
    if (!back || row.claim_id === null || row.conversation_id === null) return null
    const same = health.conversationId === row.conversation_id && health.claimId === row.claim_id
    return same ? move(row, 'claimed', 'recovered', 'it answers again with the same conversation') : null
  },
  stuck(row, detail, now, limits) {
    if (row.touched_at === null && row.claim_id === null && provesReady(detail, now, limits))
      return move(row, 'ready', 'ready', 'it answers again, ready and clean')
    const reason = evidence(row, detail, now, limits)
    return reason === null ? null : move(row, 'deleting', 'auto_destroy', reason)
  },
}

/** What makes it right to destroy a stuck box: nobody's data is in it, and it is proven useless. Null without proof. */
function evidence(row: FleetRow, detail: StatusDetail, now: Date, limits: StatusLimits): string | null {
  if (row.keeps_claim || row.protected) return null
  if (row.touched_at !== null) return 'a failed claim touched it'
  if (detail.state === 'deploy_failed') return 'deploy_failed'
  const runningMs = since(detail.deploymentStartedAt, now)
  if (runningMs >= limits.stuckTimeoutMs && failing(detail, now, limits, limits.stuckTimeoutMs)) return 'it does not answer'
  if (isFresh(detail, now, limits) && since(row.status_since, now) >= limits.stuckTimeoutMs) return 'it does not prove clean'
  return null
}

function decideGone(row: FleetRow, state: 'absent' | 'destroyed' | 'destroying'): Decision | null {
  switch (row.status) {
    case 'starting':
      return state === 'absent' ? { kind: 'create', id: row.id } : move(row, 'deleting', 'gone', state)
    case 'ready':
    case 'stuck':
      return move(row, 'deleting', 'gone', state)
    case 'claiming':
    case 'pending':
    case 'claimed':
      // while it is being destroyed it may still answer; crashed once that is a fact
      return state === 'destroying' ? null : move(row, 'crashed', 'crashed', state)
    default:
      return null
  }
}

/** Only a date that someone set ends an agent by itself, and `protected` is stronger. */
function expired(row: FleetRow, now: Date): Decision | null {
  const over = row.expires_at !== null && row.expires_at <= now && !row.protected
  const mayExpire = row.status === 'pending' || row.status === 'claimed' || row.status === 'crashed'
  return over && mayExpire ? move(row, 'deleting', 'expired', 'its time is over') : null
}

/** Bound to something that this database does not know: restored, forked, or not ours. The claim at work finds out by itself. */
function isForeign(row: FleetRow, health: ProbedHealth): boolean {
  if (row.status === 'claiming' || row.status === 'crashed' || row.status === 'recycling') return false
  if (row.claim_id !== null) {
    if (health.claimId !== null) return health.claimId !== row.claim_id
    return row.status === 'stuck' && health.conversationId !== null
  }
  return health.binding !== 'none' || health.claimId !== null || health.conversationId !== null
}

const since = (at: Date | string | null, now: Date): number => (at === null ? -1 : now.getTime() - new Date(at).getTime())

const isFresh = (detail: StatusDetail, now: Date, limits: StatusLimits): boolean =>
  detail.health !== null && detail.failures === 0 && since(detail.health.at, now) <= limits.freshMs

function provesReady(detail: StatusDetail, now: Date, limits: StatusLimits): boolean {
  const { health } = detail
  if (!health || detail.state !== 'healthy' || !isFresh(detail, now, limits)) return false
  return health.ready && health.clean && health.binding === 'none' && health.claimId === null && health.conversationId === null
}

/** Failures in a row, counted from the start of the deployment at the earliest: never from time spent queueing. */
function failing(detail: StatusDetail, now: Date, limits: StatusLimits, spanMs: number): boolean {
  if (detail.failures < limits.failuresInARow || detail.failingSince === null) return false
  const spans = [since(detail.failingSince, now)]
  if (detail.deploymentStartedAt !== null) spans.push(since(detail.deploymentStartedAt, now))
  return Math.min(...spans) >= spanMs
}

const move = (row: FleetRow, to: Status, type: string, reason: string, detail?: Record<string, unknown>): Decision => ({
  kind: 'move',
  move: { id: row.id, from: row.status, to, claimId: row.claim_id, type, reason, ...(detail ? { detail } : {}) },
})

/** What of an answer is worth a write; null when the row shows it already, give or take the time of the probe. */
export function observe(row: FleetRow, detail: StatusDetail | undefined, limits: Limits): Observation | null {
  if (!detail || detail.state === 'unknown') return null
  const { health } = detail
  const seen: Observation = {
    id: row.id,
    url: detail.url,
    image: detail.image,
    phase: detail.state,
    phase_since: detail.phaseSince,
    health: health && { ready: health.ready, clean: health.clean, binding: health.binding, at: health.at },
    tools: detail.tools,
    last_activity_at: health?.lastActivityAt ?? null,
  }
  const same =
    (seen.url ?? row.url) === row.url &&
    (seen.image ?? row.image) === row.image &&
    seen.phase === row.phase &&
    sameTime(seen.phase_since, row.phase_since) &&
    sameHealth(seen.health, row.health, limits) &&
    JSON.stringify(seen.tools.map(({ toolId, resourceId, state }) => [toolId, resourceId, state])) ===
      JSON.stringify(row.tools.map(({ toolId, resourceId, state }) => [toolId, resourceId, state])) &&
    (seen.last_activity_at === null || sameTime(seen.last_activity_at, row.last_activity_at))
  return same ? null : seen
}

const sameTime = (a: string | null, b: Date | null): boolean =>
  a === null || b === null ? a === b : Date.parse(a) === b.getTime()

function sameHealth(seen: Observation['health'], kept: Observation['health'], limits: Limits): boolean {
  if (seen === null || kept === null) return seen === null
  const samePoint = Math.abs(Date.parse(seen.at) - Date.parse(kept.at)) < limits.freshMs
  return samePoint && seen.ready === kept.ready && seen.clean === kept.clean && seen.binding === kept.binding
}
