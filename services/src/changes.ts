import type { Context } from './context.ts'
import type { ChangesReply } from './contract/index.ts'
import { readChanges, readCursor } from './db/changes.ts'
import { CHANGES_POLL_EVERY } from './limits.ts'

/** Digits of the largest transaction id that fits a signed 64-bit number. */
const CURSOR_MAX = 18

/** What changed since `after`; waits up to `waitMs` for something to tell, unless `over` ends that. */
export async function changesSince(
  { db, changed }: Pick<Context, 'db' | 'changed'>,
  { after, waitMs }: { after: string | undefined; waitMs: number },
  over: AbortSignal,
): Promise<ChangesReply> {
  // too long to be one of ours
  if (after !== undefined && after.length > CURSOR_MAX) return { cursor: await readCursor(db), instanceIds: [], reset: true }
  if (after === undefined) return { cursor: await readCursor(db), instanceIds: [], reset: false }
  const until = AbortSignal.any([over, AbortSignal.timeout(waitMs)])
  for (let cursor = after; ;) {
    const changes = await readChanges(db, cursor)
    if (changes.reset) return { cursor: changes.cursor, instanceIds: [], reset: true }
    if (changes.instanceIds.length > 0 || until.aborted) return changes
    cursor = changes.cursor
    await changed.wait(CHANGES_POLL_EVERY, until)
  }
}
