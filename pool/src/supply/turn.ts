import type { Transaction } from '@convos/kit'
import { countAutoDestroyed, moveInstances } from '../db/moves.ts'
import { settleItems } from '../db/operations.ts'
import { listRetiring, settleTaken } from '../db/rotation.ts'
import type { Limits } from '../limits.ts'
import { autoDestroyCap, type SupplyFacts } from './plan.ts'
import { planRotation, type Surge } from './rotate.ts'

/** What a turn of the rotation did and wants: instances that have left the stock, and one more to be made. */
export interface Turn {
  surge: Surge | null
  retired: string[]
}

export const NO_TURN: Turn = { surge: null, retired: [] }

/** More cannot be decided on at once. */
const CANDIDATES = 100

/**
 * Takes one instance that is to be replaced out of the stock, once there is one more than the target. Under the settings'
 * lock; one that is being claimed at this moment is left to its claim.
 */
export async function rotate(tx: Transaction, facts: SupplyFacts, limits: Limits): Promise<Turn> {
  await settleTaken(tx)
  const { maxAgeHours } = facts.settings
  const rows = await listRetiring(tx, { maxAgeHours, provenWithinMs: limits.retireProvenMs, limit: CANDIDATES })
  if (rows.length === 0) return NO_TURN
  const wanted = facts.images.find(({ image }) => image === facts.wanted)
  const { surge, retire } = planRotation({
    stock: facts.stock,
    settings: facts.settings,
    candidates: rows.map(({ id, operation_id }) => ({ id, why: operation_id === null ? 'aged' : 'rollout' })),
    isWantedTrusted: wanted !== undefined && wanted.trusted_at !== null && wanted.opened_at === null,
    isWantedUntried: wanted?.failures === 0,
    agedLeft: autoDestroyCap(facts.settings.minIdle, limits) - (await countAutoDestroyed(tx)),
  })
  const row = rows.find(({ id }) => id === retire?.id)
  if (!row) return { surge, retired: [] }
  const { type, reason } =
    row.operation_id === null
      ? { type: 'aged_out', reason: 'it is older than instances may become' }
      : { type: 'rolled_out', reason: 'the stock moves to another image' }
  const move = { id: row.id, from: 'ready', to: 'deleting', claimId: null, type, reason } as const
  const moved = await moveInstances(tx, { moves: [move], actor: row.actor ?? 'pool' })
  if (row.operation_id !== null && row.seq !== null && moved.has(row.id))
    await settleItems(tx, [{ operation_id: row.operation_id, seq: row.seq, error: null }])
  return { surge, retired: [...moved] }
}
