import { Problem } from '@convos/kit'
import type { GatewayReply } from '@convos/services/contract'
import type { Claim } from '../contract/index.ts'
import type { ClaimRow } from '../db/claims.ts'

type Steps = Claim['steps']

/** A claim as the API shows it; the gateway's details only where the caller is the claim's own principal. */
export function presentClaim(row: ClaimRow, p: { gateway: GatewayReply | null; queue: Claim['queue'] }): Claim {
  return {
    claimId: row.id,
    status: row.state,
    instanceId: row.instance_id,
    conversationId: row.conversation_id,
    inviteUrl: row.invite_url,
    joined: row.joined,
    gatewayUrl: p.gateway?.gatewayUrl ?? null,
    gatewayToken: p.gateway?.gatewayToken ?? null,
    agentName: row.agent_name,
    templateId: row.template_id,
    tools: (row.tools ?? []).map(({ toolId, resourceId, state }) => ({ toolId, resourceId, state })),
    queue: p.queue,
    steps: stepsOf(row),
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    error: row.error && { code: row.error.code, detail: row.error.detail },
  }
}

/** How far it is, from the times that the row keeps. */
function stepsOf(row: ClaimRow): Steps {
  const over = row.state === 'failed' || row.state === 'cancelled'
  const step = (name: Steps[number]['name'], from: Date | null, to: Date | null): Steps => {
    if (from === null) return []
    const end = to ?? (over ? row.finished_at : null)
    const state = to ? 'done' : over ? 'failed' : 'running'
    return [{ name, state, startedAt: from.toISOString(), ms: end && end.getTime() - from.getTime() }]
  }
  const joining = row.mode === 'join' ? row.configured_at : null
  const isDone = row.state === 'done' || row.state === 'ended'
  const finished = isDone ? row.finished_at : null
  return [
    ...step('queued', row.created_at, row.reserved_at),
    ...(row.has_tools ? step('tools', row.reserved_at, row.tools_at) : []),
    ...step('configure', row.has_tools ? row.tools_at : row.reserved_at, row.configured_at),
    ...step('joining', joining, finished),
    ...step('done', finished, finished),
  ]
}

/** What a claim that came to nothing answers. */
export function problemOf(row: ClaimRow): Problem {
  if (row.state === 'ended') return new Problem({ status: 410, code: 'CLAIM_ENDED', detail: 'the agent of this claim is gone' })
  const { status, code, detail } = row.error ?? { status: 409, code: 'CLAIM_CANCELLED', detail: 'the claim was cancelled' }
  return new Problem({ status, code, detail, ...(status === 503 ? { headers: { 'Retry-After': '1' } } : {}) })
}
