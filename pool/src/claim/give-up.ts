import { Problem, type Queryable } from '@convos/kit'
import { endQueued, readClaims } from '../db/claims.ts'
import { readInstance } from '../db/instances.ts'
import type { Operations } from '../operations/index.ts'
import type { Who } from '../operations/who.ts'

const ATTEMPTS = 5

/**
 * Ends a claim where it stands: it leaves the queue, or its instance goes, finished or not. It may move on at the same moment,
 * to a box, back into the queue, to another box; then it is looked for again.
 * @throws Problem when its instance is protected
 */
export async function giveUp(db: Queryable, operations: Pick<Operations, 'end'>, claimId: string, who: Who): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await endQueued(db, { id: claimId, state: 'cancelled', error: null, reason: 'it was given up', ...who })) return
    const [claim] = await readClaims(db, [claimId])
    if (!claim || ['failed', 'cancelled', 'ended'].includes(claim.state)) return
    const box = claim.instance_id === null ? null : await readInstance(db, claim.instance_id)
    if (box?.claim_id !== claimId) continue
    try {
      await operations.end('kill', box, who, 'cancelled')
    } catch (err) {
      if (!(err instanceof Problem && err.code === 'CHANGED')) throw err
    }
  }
  throw new Problem({ status: 409, code: 'CHANGED', detail: 'the claim is moving on; try again' })
}
