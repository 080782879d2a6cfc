import { randomUUID } from 'node:crypto'
import { type Loop, startLoop } from '@convos/kit'
import type { Context } from './context.ts'
import { anyLookupDue, claimDueLookups, recordDeployFailed, recordLookup } from './db/probes.ts'
import { freeSlot, takeSlot } from './db/slots.ts'
import type { PlaceStatus } from './infra/provider.ts'
import {
  GATE_PATIENCE,
  LOOKUP_DEPLOYING,
  LOOKUP_EVERY,
  LOOKUP_FAILING,
  RAILWAY_QUERY,
  RATE_LIMIT_DEFAULT_WAIT,
} from './limits.ts'
import { turnedAway } from './saga.ts'

/** Asks the provider about instances that do not answer, many per request; a healthy fleet costs nothing. */
export function startLookups(ctx: Context): Loop {
  return startLoop({
    name: 'lookups',
    everyMs: LOOKUP_EVERY,
    clock: ctx.clock,
    log: ctx.log,
    pass: (signal) => lookUpSilent(ctx, signal),
  })
}

type Looking = Pick<Context, 'db' | 'infra' | 'changed'>
const CALL = RAILWAY_QUERY + GATE_PATIENCE

/**
 * A look, by whichever replica: one request per batch of silent instances, until none is due or all were asked about. The more it took the
 * later comes the next one, so that they are no more frequent when many are silent, or the provider is slow.
 */
export async function lookUpSilent(ctx: Looking, signal?: AbortSignal): Promise<void> {
  if (!(await anyLookupDue(ctx.db))) return
  const slot = { name: 'railway:lookup', holder: randomUUID() }
  if ((await takeSlot(ctx.db, { ...slot, ms: CALL })) !== null) return
  const asked = new Set<string>()
  let requests = 0
  let pauseMs = LOOKUP_EVERY
  try {
    for (let more = true; more;) {
      const batch = await lookUpBatch(ctx)
      if (batch.length === 0) break
      requests++
      // those asked about first may be due again by now: they are the next look's
      more = !signal?.aborted && !batch.some((id) => asked.has(id)) && (await anyLookupDue(ctx.db))
      for (const id of batch) asked.add(id)
      // the slot stays ours for another call
      if (more) await freeSlot(ctx.db, { ...slot, ms: CALL })
    }
    pauseMs = LOOKUP_EVERY * Math.max(1, requests)
  } catch (err) {
    if (turnedAway(err)) pauseMs = err.retryAfterMs ?? RATE_LIMIT_DEFAULT_WAIT
    throw err
  } finally {
    await freeSlot(ctx.db, { ...slot, ms: pauseMs })
  }
}

/** @returns who was asked about */
async function lookUpBatch({ db, infra, changed }: Looking): Promise<string[]> {
  const due = await claimDueLookups(db, { limit: infra.statusBatch, deployingMs: LOOKUP_DEPLOYING, failingMs: LOOKUP_FAILING })
  if (due.length === 0) return []
  const found = await infra.status(due, { atLeisure: true })
  for (const { instanceId, ticket } of due) {
    const finding = findingOf(found.get(instanceId))
    if (finding.failed) await recordDeployFailed(db, { instanceId, ticket, ...finding.failed })
    else await recordLookup(db, { instanceId, ticket, deploymentId: finding.deploymentId, note: finding.note })
  }
  changed.notify()
  return due.map(({ instanceId }) => instanceId)
}

interface Finding {
  failed: { deploymentId: string; error: string } | null
  deploymentId: string | null
  note: string | null
}

/** What follows from the provider's word about one silent instance; a missing word says nothing. */
export function findingOf(status: PlaceStatus | undefined): Finding {
  const { deleted, deployment } = status ?? { deleted: false, deployment: null }
  if (deleted) return { failed: null, deploymentId: null, note: 'it was deleted at the provider' }
  if (deployment?.verdict === 'failed')
    return {
      failed: { deploymentId: deployment.id, error: 'its latest deployment failed' },
      deploymentId: deployment.id,
      note: null,
    }
  const note =
    deployment?.verdict === 'down'
      ? 'its latest deployment has stopped'
      : deployment?.verdict === 'removed'
        ? 'its latest deployment was removed'
        : null
  return { failed: null, deploymentId: deployment?.id ?? null, note }
}
