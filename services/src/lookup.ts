import { randomUUID } from 'node:crypto'
import { type Loop, startLoop } from '@convos/kit'
import type { Context } from './context.ts'
import { anyLookupDue, claimDueLookups, recordDeployFailed, recordLookup } from './db/probes.ts'
import { freeSlot, takeSlot } from './db/slots.ts'
import type { LatestDeployment } from './infra/provider.ts'
import { LOOKUP_BATCH, LOOKUP_DEPLOYING, LOOKUP_EVERY, LOOKUP_FAILING, RAILWAY_QUERY, RATE_LIMIT_DEFAULT_WAIT } from './limits.ts'
import { turnedAway } from './saga.ts'

/** Asks the provider about instances that do not answer, many per request; a healthy fleet costs nothing. */
export function startLookups(ctx: Context): Loop {
  return startLoop({
    name: 'lookups',
    everyMs: LOOKUP_EVERY,
    clock: ctx.clock,
    log: ctx.log,
    pass: () => lookUpSilent(ctx),
  })
}

/** Where at least one is due, one request about up to 25 silent instances, unless one was made just now, by whichever replica. */
export async function lookUpSilent(ctx: Context): Promise<void> {
  if (!(await anyLookupDue(ctx.db))) return
  const slot = { name: 'railway:lookup', holder: randomUUID() }
  if ((await takeSlot(ctx.db, { ...slot, ms: RAILWAY_QUERY })) !== null) return
  let pauseMs = LOOKUP_EVERY
  try {
    await lookUpBatch(ctx)
  } catch (err) {
    if (turnedAway(err)) pauseMs = err.retryAfterMs ?? RATE_LIMIT_DEFAULT_WAIT
    throw err
  } finally {
    await freeSlot(ctx.db, { ...slot, ms: pauseMs })
  }
}

async function lookUpBatch(ctx: Context): Promise<void> {
  const due = await claimDueLookups(ctx.db, {
    limit: LOOKUP_BATCH,
    deployingMs: LOOKUP_DEPLOYING,
    failingMs: LOOKUP_FAILING,
  })
  if (due.length === 0) return
  const found = await ctx.infra.latestDeployments(due.map((instance) => instance.projectId))
  for (const { instanceId, projectId } of due) {
    const finding = findingOf(found.get(projectId))
    if (finding.failed) await recordDeployFailed(ctx.db, { instanceId, ...finding.failed })
    else await recordLookup(ctx.db, { instanceId, deploymentId: finding.deploymentId, note: finding.note })
  }
  ctx.changed.notify()
}

interface Finding {
  failed: { deploymentId: string; error: string } | null
  deploymentId: string | null
  note: string | null
}

/** What follows from the provider's word about one silent instance; a missing word says nothing. */
export function findingOf(latest: LatestDeployment | undefined): Finding {
  const { projectDeleted, deployment } = latest ?? { projectDeleted: false, deployment: null }
  if (projectDeleted) return { failed: null, deploymentId: null, note: 'its project was deleted at the provider' }
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
