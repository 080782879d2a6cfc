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
  const present = await knownInstance(ctx, instanceId)
  if (present.awaitingDeployment) {
    if (present.wantedImage === wanted) return true
    throw new Problem({
      status: 409,
      code: 'ROLLOUT_IN_PROGRESS',
      detail: `instance ${instanceId} is on its way to another image`,
      headers: { 'Retry-After': '30' },
    })
  }
  const same = present.image === wanted
  if (same && !force) return false
  if (!(await wishRollout(ctx.db, { instanceId, image: wanted, restartOnly: same }))) throw notRunning(instanceId)
  ctx.work.notify()
  ctx.changed.notify()
  return true
}
