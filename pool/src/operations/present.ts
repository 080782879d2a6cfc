import type { Queryable } from '@convos/kit'
import type { Context } from '../context.ts'
import type { Operation } from '../contract/index.ts'
import type { OperationRow } from '../db/operations.ts'
import { countRetiring } from '../db/rotation.ts'
import { presentOperation } from '../present.ts'
import { readSupplyNow } from '../supply/refill.ts'
import { type Wait, whatRolloutWaitsFor } from '../supply/waits.ts'

/** Operations as they stand now; of a roll-out that has not replaced all yet also what it waits for. */
export function presentOperations(
  { db, limits }: Pick<Context, 'db' | 'limits'>,
  rows: readonly OperationRow[],
): Promise<Operation[]> {
  return Promise.all(rows.map(async (row) => presentOperation(row, await waitOf(db, row, limits.retireProvenMs))))
}

async function waitOf(db: Queryable, row: OperationRow, provenWithinMs: number): Promise<Wait | null> {
  const isRolling = row.kind === 'rollout' && row.items.some(({ begun, error }) => !begun && error === null)
  if (!isRolling) return null
  const [facts, free] = await Promise.all([readSupplyNow(db), countRetiring(db, { id: row.id, provenWithinMs })])
  return whatRolloutWaitsFor(facts, free)
}
