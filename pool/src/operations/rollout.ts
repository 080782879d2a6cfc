import { Problem, type Transaction } from '@convos/kit'
import { listImages, readWanted } from '../db/images.ts'
import { insertOperation } from '../db/operations.ts'
import { findRollout, listOffImage } from '../db/rotation.ts'
import { holdSettings } from '../db/settings.ts'
import { newOperationId } from '../naming.ts'
import type { Who } from './who.ts'

/**
 * Marks the ready instances that are not on the wanted image to be replaced, one at a time, by the refill. Asked for again while
 * one is under way, that one is meant.
 * @throws Problem 409 where nothing can be rolled out
 */
export async function beginRollout(tx: Transaction, who: Who): Promise<string> {
  const { paused } = await holdSettings(tx)
  const underWay = await findRollout(tx)
  if (underWay) return underWay
  const refuse = (code: string, detail: string) => new Problem({ status: 409, code, detail })
  if (paused) throw refuse('PAUSED', 'the refill is paused')
  const wanted = await readWanted(tx)
  if (wanted === null) throw refuse('IMAGE_UNKNOWN', 'what the tag means is not known yet')
  const record = (await listImages(tx)).find(({ image }) => image === wanted)
  if (record && record.opened_at !== null)
    throw refuse('IMAGE_BAD', `creation on ${wanted} keeps failing; push another, or reset its breaker`)
  const id = newOperationId()
  const items = (await listOffImage(tx, wanted)).map((instanceId) => ({ instanceId }))
  await insertOperation(tx, { id, kind: 'rollout', ...who, input: { image: wanted }, items })
  return id
}
