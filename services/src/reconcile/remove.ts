import type { Context } from '../context.ts'
import { holdIdle, letGo, noteStrayDestroyed } from '../db/reconcile.ts'
import { describe } from '../saga.ts'
import { judge, type Scene, type Sighting, type Verdict } from './judge.ts'
import type { Listed, Source } from './sources.ts'

/**
 * Destroys a stray, if that is still right: its instance is held meanwhile, as its runner would hold it, and judged once more from a fresh read.
 * @returns what came of it
 */
export async function removeStray(
  ctx: Context,
  p: { source: Source; stray: Listed & Sighting; scene: Scene; holder: string },
): Promise<Verdict | null> {
  const { source, stray, scene, holder } = p
  const { instanceId, resourceId } = stray
  if (!(await holdIdle(ctx.db, { instanceId, holder }))) return { action: 'wait', reason: 'its instance is being changed' }
  try {
    const fresh = await source.ledger({ instanceIds: [instanceId], andAllLive: false, holder })
    const verdict = judge(stray, fresh, scene)
    if (verdict?.action !== 'destroy') return verdict
    await noteStrayDestroyed(ctx.db, { instanceId, provider: source.provider, resourceId })
    ctx.log.warn({ instanceId, provider: source.provider, resourceId, reason: verdict.reason }, 'a stray is destroyed')
    await source.destroy(stray)
    return verdict
  } catch (err) {
    return { action: 'wait', reason: `it could not be destroyed, which is tried again at the next pass: ${describe(err)}` }
  } finally {
    await letGo(ctx.db, { instanceId, holder })
  }
}
