import { actionsOf, type Agents, type Instance, type InstanceEvent, type Operation } from './contract/index.ts'
import type { EventRow } from './db/events.ts'
import type { InstanceRow } from './db/instances.ts'
import type { ItemRow, OperationRow } from './db/operations.ts'
import type { Wait } from './supply/waits.ts'

const time = (at: Date | null) => at?.toISOString() ?? null

/** A row as operators see it. */
export function presentInstance(row: InstanceRow): Instance {
  return {
    id: row.id,
    status: row.status,
    statusReason: row.status_reason,
    agentName: row.agent_name,
    templateId: row.template_id,
    templateVersion: row.template_version,
    templateSyncedAt: time(row.template_synced_at),
    ownerId: row.owner_id,
    ownerAddress: row.owner_address,
    principal: row.principal,
    url: row.url,
    conversationId: row.conversation_id,
    inviteUrl: row.invite_url,
    image: row.image,
    model: row.model,
    health: row.health && { ready: row.health.ready, clean: row.health.clean, at: row.health.at },
    tools: row.tools.map(({ toolId, resourceId, state }) => ({ toolId, resourceId, state })),
    parentInstance: row.parent_instance,
    protected: row.protected,
    expiresAt: time(row.expires_at),
    lastActivityAt: time(row.last_activity_at),
    createdAt: row.created_at.toISOString(),
    readyAt: time(row.ready_at),
    claimedAt: time(row.claimed_at),
    phase: row.phase,
    phaseSince: time(row.phase_since),
    actions: actionsOf(row),
  }
}

export const presentEvent = (row: EventRow): InstanceEvent => ({
  id: row.id,
  at: row.at.toISOString(),
  instanceId: row.instance_id,
  claimId: row.claim_id,
  type: row.type,
  from: row.from_status,
  to: row.to_status,
  reason: row.reason,
  actor: row.actor,
  requestId: row.request_id,
  detail: row.detail,
})

/** Who has an agent: for operators with what lets them in, for the public without, and without names where so configured. */
export function presentAgents(rows: readonly InstanceRow[], audience: 'operator' | 'public' | 'nameless'): Agents {
  const agents = rows.map((row) => ({
    id: row.id,
    agentName: audience === 'nameless' ? null : row.agent_name,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    claimedAt: time(row.claimed_at),
    ...(audience === 'operator'
      ? { inviteUrl: row.invite_url, conversationId: row.conversation_id, ownerId: row.owner_id, principal: row.principal }
      : {}),
  }))
  return {
    claimed: agents.filter((agent) => agent.status === 'claimed'),
    crashed: agents.filter((agent) => agent.status === 'crashed'),
  }
}

/** An operation's progress, derived from what has become of its instances: any replica shows it, and a restart loses nothing. */
export function presentOperation(row: OperationRow, wait: Wait | null): Operation {
  const items = row.items.map((item) => presentItem(row.kind, item))
  const count = (state: string) => items.filter((item) => item.state === state).length
  const running = count('running') > 0
  const ended = [row.started_at.getTime(), ...row.items.map(endedAt)]
  const stoppedAt = row.stopped_at?.getTime() ?? 0
  return {
    id: row.id,
    kind: row.kind,
    state: running ? 'running' : row.stopped_at ? 'stopped' : count('failed') > 0 ? 'failed' : 'done',
    total: items.length,
    done: count('done'),
    failed: count('failed'),
    items,
    startedAt: row.started_at.toISOString(),
    finishedAt: running ? null : new Date(Math.max(stoppedAt, ...ended)).toISOString(),
    waitsFor: running && wait ? { ...wait, until: wait.until?.toISOString() ?? null } : null,
    report: row.report,
  }
}

function endedAt(item: ItemRow): number {
  const at = item.work ? item.done_at : item.last_at
  return at === null ? 0 : Date.parse(at)
}

function presentItem(kind: OperationRow['kind'], item: ItemRow): Operation['items'][number] {
  const as = (state: 'running' | 'done' | 'failed', step: string | null, error: string | null = null) => ({
    instanceId: item.instance_id,
    state,
    step,
    error,
  })
  if (item.error !== null) return as('failed', null, item.error)
  if (kind === 'rollout' && isOver(item)) return as('done', item.status)
  if (!item.begun) return as('running', 'waiting')
  if (item.work) return item.done_at === null ? as('running', item.step ?? 'begun') : as('done', null)
  if (kind !== 'replenish') return item.status === null ? as('done', null) : as('running', item.phase ?? 'deleting')
  if (item.was_ready) return as('done', null)
  return item.status === 'starting'
    ? as('running', item.phase ?? 'queued')
    : as('failed', null, item.status_reason ?? 'it was deleted before it became ready')
}

/** Whoever was claimed meanwhile keeps its image, and is not what a roll-out is about; what it took away is gone in the end. */
const isOver = ({ begun, status }: ItemRow): boolean =>
  begun ? status !== 'deleting' : !(status === 'ready' || status === 'starting' || status === 'claiming' || status === 'deleting')
