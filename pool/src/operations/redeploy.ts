import type { InstanceReply } from '@convos/services/contract'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { can } from '../contract/index.ts'
import { readWanted } from '../db/images.ts'
import { readInstance } from '../db/instances.ts'
import type { Work } from './work.ts'

const RedeployInput = z.object({ force: z.boolean() })
export type RedeployInput = z.infer<typeof RedeployInput>

/** Asked for, and on its way. */
const DEPLOYING = 'deploying'

/** Moves one agent to the wanted image and follows it there. While it is on its way, its silence is no evidence: see status.ts. */
export const redeployWork =
  ({ db, limits, services }: Pick<Context, 'db' | 'limits' | 'services'>): Work =>
  async ({ instance_id: id, input, request_id, step }) => {
    const row = id === null ? null : await readInstance(db, id)
    if (!row) return { error: 'the instance is gone' }
    const may = can('redeploy', row)
    if (may !== true) return { error: may }

    const requestId = request_id ?? undefined
    const again = { againMs: limits.followEveryMs, step: DEPLOYING }
    if (step === null) {
      const wanted = await readWanted(db)
      const image = wanted === null ? {} : { image: wanted }
      const { changed } = await services.redeploy(row.id, { ...RedeployInput.parse(input), ...image }, requestId)
      return changed ? again : { done: true }
    }
    const seen = follow(await services.instance(row.id, requestId))
    if (seen === 'up') return { done: true }
    return seen === 'under way' ? again : seen
  }

/** How far a redeploy is, by services' ledger: up only once the new deployment itself answers. */
export function follow(seen: InstanceReply): 'up' | 'under way' | { error: string } {
  if (seen.wish === 'absent') return { error: 'the instance is being deleted' }
  if (seen.rolloutError !== null) return { error: seen.rolloutError }
  if (seen.wantedImage !== null) return 'under way'
  if (seen.state === 'deploy_failed') return { error: seen.error ?? 'the deployment failed' }
  return seen.state === 'healthy' ? 'up' : 'under way'
}
