import type { Context } from '../context.ts'
import { holdIdle, letGo, noteStrayDestroyed, noteStrayRefused } from '../db/reconcile.ts'
import { ProviderError } from '../infra/errors.ts'
import { describe } from '../saga.ts'
import { judge, type Scene, type Sighting, type Verdict } from './judge.ts'
import type { Listed, Source } from './sources.ts'

export interface Removal {
  /** What came of it; null: the ledger names it by now. */
  verdict: Verdict | null
  /** Something was destroyed, or may have been. */
  counts: boolean
}

/** Destroys a stray, if that is still right: its instance is held meanwhile, as its runner would hold it, and judged once more from a fresh read. */
export async function removeStray(
  ctx: Context,
  p: { source: Source; stray: Listed & Sighting; scene: Scene; holder: string },
): Promise<Removal> {
  const { source, stray, scene, holder } = p
  const { instanceId } = stray
  if (!(await holdIdle(ctx.db, { instanceId, holder })))
    return { verdict: { action: 'wait', reason: 'its instance is being changed' }, counts: false }
  try {
    const fresh = await source.ledger({ instanceIds: [instanceId], andAllLive: false, holder })
    const verdict = judge(stray, fresh, scene)
    return verdict?.action === 'destroy' ? await destroyNoted(ctx, source, stray, verdict) : { verdict, counts: false }
  } finally {
    await letGo(ctx.db, { instanceId, holder })
  }
}

async function destroyNoted(ctx: Context, source: Source, stray: Listed & Sighting, verdict: Verdict): Promise<Removal> {
  const { instanceId, resourceId } = stray
  const { provider } = source
  const noteId = await noteStrayDestroyed(ctx.db, { instanceId, provider, resourceId })
  ctx.log.warn({ instanceId, provider, resourceId, reason: verdict.reason }, 'a stray is destroyed')
  try {
    await source.destroy(stray)
    return { verdict, counts: true }
  } catch (err) {
    // what its provider never lets go must not keep others from going
    const refused = err instanceof ProviderError && !err.uncertain
    if (refused) await noteStrayRefused(ctx.db, noteId)
    const reason = `it could not be destroyed, which is tried again at the next pass: ${describe(err)}`
    return { verdict: { action: 'wait', reason }, counts: !refused }
  }
}
