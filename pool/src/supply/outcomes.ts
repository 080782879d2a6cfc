import type { Transaction } from '@convos/kit'
import { holdImages, saveImage } from '../db/images.ts'
import { databaseNow, type FleetRow } from '../db/instances.ts'
import type { Move } from '../db/moves.ts'
import { afterFailure, afterSuccess, type ImageRecord, UNRESOLVED } from './images.ts'
import type { Limits } from '../limits.ts'

/** How one creation ended, for the record of its image. */
export interface Outcome {
  image: string
  ok: boolean
  createdAt: Date
}

/** What a change of status says about the image of its instance; null where it says nothing. */
export function outcomeOf({ id, from, to, type }: Move, rows: readonly FleetRow[]): Outcome | null {
  const row = rows.find((known) => known.id === id)
  // one that was ready before has proven its image then, whatever becomes of it now
  if (!row || from !== 'starting' || row.ready_at !== null) return null
  const of = { image: row.image ?? UNRESOLVED, createdAt: row.created_at }
  if (to === 'ready') return { ...of, ok: true }
  return type === 'creation_failed' ? { ...of, ok: false } : null
}

/** Writes outcomes into their images' records, in the transaction that changes the statuses: none is lost or counted twice. */
export async function recordOutcomes(tx: Transaction, outcomes: readonly Outcome[], limits: Limits): Promise<void> {
  if (outcomes.length === 0) return
  const at = await databaseNow(tx)
  for (const before of await holdImages(tx, [...new Set(outcomes.map(({ image }) => image))])) {
    const after = outcomes
      .filter(({ image }) => image === before.image)
      .reduce<ImageRecord>((record, { ok, createdAt }) => {
        return ok ? afterSuccess(record, at) : afterFailure(record, { createdAt, at, jitter: Math.random() }, limits)
      }, before)
    await saveImage(tx, { before, after, actor: 'pool', requestId: null })
  }
}
