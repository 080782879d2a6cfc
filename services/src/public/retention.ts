import type { Queryable } from '@convos/kit'
import { pruneEvents } from '../db/events.ts'
import { pruneSms } from '../db/sms.ts'
import { EVENTS_KEPT, PRUNE_BATCH, SMS_KEPT } from '../limits.ts'

/** Forgets texts and events that were kept long enough, in batches, so that nobody waits for long. */
export async function forgetOld(db: Queryable): Promise<void> {
  while ((await pruneSms(db, { keepMs: SMS_KEPT, batch: PRUNE_BATCH })) === PRUNE_BATCH);
  while ((await pruneEvents(db, { keepMs: EVENTS_KEPT, batch: PRUNE_BATCH })) === PRUNE_BATCH);
}
