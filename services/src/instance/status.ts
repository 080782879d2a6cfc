import type { InstanceState, ProbedHealth, StatusDetail } from '../contract/index.ts'
import type { z } from 'zod'
import type { ShortState } from '../contract/index.ts'
import type { StatusRow } from '../db/status.ts'
import type { ToolRow } from '../db/tools.ts'
import { toolStates } from './tool-state.ts'

/** Where an instance stands, from what is stored about it; no row at all is a fact too. */
export function stateOf(row: Pick<StatusRow, 'wish' | 'phase' | 'failures' | 'health'> | undefined): InstanceState {
  if (!row) return 'absent'
  if (row.phase === 'destroyed') return 'destroyed'
  if (row.wish === 'absent' || row.phase === 'destroying') return 'destroying'
  if (row.phase !== 'running') return row.phase
  if (!row.health) return 'unknown'
  return row.failures === 0 ? 'healthy' : 'unreachable'
}

const SHORT: Record<InstanceState, z.infer<typeof ShortState>> = {
  absent: 'unknown',
  queued: 'deploying',
  creating: 'deploying',
  deploying: 'deploying',
  deploy_failed: 'deploy_failed',
  healthy: 'healthy',
  unreachable: 'unreachable',
  destroying: 'unknown',
  destroyed: 'unknown',
  unknown: 'unknown',
}

/** The older, shorter vocabulary. */
export const shortStateOf = (state: InstanceState): z.infer<typeof ShortState> => SHORT[state]

export function detailOf(row: StatusRow | undefined, tools: ToolRow[]): StatusDetail {
  return {
    state: stateOf(row),
    phaseSince: iso(row?.phaseSince),
    deploymentStartedAt: iso(row?.deploymentStartedAt),
    failures: row?.failures ?? 0,
    failingSince: iso(row?.failingSince),
    url: row?.url ?? null,
    image: row?.image ?? null,
    tools: toolStates(tools),
    health: healthOf(row),
  }
}

/** The latest answer, without what it may have said beyond the contract. */
function healthOf(row: StatusRow | undefined): ProbedHealth | null {
  if (!row?.health || !row.answeredAt) return null
  const { ready, clean, binding, conversationId, inviteUrl, claimId, version, lastActivityAt } = row.health
  const at = row.answeredAt.toISOString()
  return { ready, clean, binding, conversationId, inviteUrl, claimId, version, lastActivityAt, at }
}

const iso = (date: Date | null | undefined): string | null => date?.toISOString() ?? null
