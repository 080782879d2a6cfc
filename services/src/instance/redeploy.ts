import { Problem } from '@convos/kit'
import type { Context } from '../context.ts'
import { wishRollout } from '../db/instances.ts'
import { usableImage } from '../images.ts'
import { knownInstance, notRunning } from './access.ts'

/**
 * Wishes a live instance onto an image; the runner sees to it. The same again, while it is under way, is the same wish.
 * @returns whether anything is to change: not, when it is on that image already and `force` is not set
 */
export async function redeployInstance(
  ctx: Context,
  instanceId: string,
  { image, force }: { image: string | undefined; force: boolean },
): Promise<boolean> {
  const wanted = image ?? (await usableImage(ctx))
  const changed = (await wishFor(ctx, instanceId, { wanted, force })) ?? (await wishFor(ctx, instanceId, { wanted, force }))
  if (changed === null) throw notRunning(instanceId)
  return changed
}

/** Null: it cannot be wished for now, or somebody else just did. */
async function wishFor(
  ctx: Context,
  instanceId: string,
  { wanted, force }: { wanted: string; force: boolean },
): Promise<boolean | null> {
  const present = await knownInstance(ctx, instanceId)
  if (present.awaitingDeployment) {
    // no longer wanted, and its image already: its deployment is known, but not up
    if ((present.wantedImage ?? present.image) === wanted) return true
    throw new Problem({
      status: 409,
      code: 'ROLLOUT_IN_PROGRESS',
      detail: `instance ${instanceId} is on its way to another image`,
      headers: { 'Retry-After': '30' },
    })
  }
  // what a rollout that failed left at the provider is another image, whatever still runs
  const same = present.image === wanted && present.configuredImage === wanted
  if (same && !force) return false
  if (!(await wishRollout(ctx.db, { instanceId, image: wanted, restartOnly: same, deploymentId: present.deploymentId })))
    return null
  ctx.wished(instanceId)
  ctx.changed.notify()
  return true
}
