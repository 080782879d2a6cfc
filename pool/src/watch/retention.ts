import type { Queryable } from '@convos/kit'
import type { Context } from '../context.ts'
import {
  pruneAlerts,
  pruneClaims,
  pruneEvents,
  pruneLoginCodes,
  pruneNonces,
  pruneOperations,
  pruneRateLimits,
  pruneSessions,
  pruneStats,
} from '../db/retention.ts'

/** Deletes at most `limit` rows that nobody needs any more, and says how many it were. */
type Prune = (db: Queryable, limit: number) => Promise<number>

/** What is kept for how long. */
const PRUNES: Record<string, Prune> = {
  events: (db, limit) => pruneEvents(db, { days: 90, limit }),
  claims: (db, limit) => pruneClaims(db, { days: 30, limit }),
  operations: (db, limit) => pruneOperations(db, { days: 7, limit }),
  stats: (db, limit) => pruneStats(db, { days: 90, limit }),
  alerts: (db, limit) => pruneAlerts(db, { days: 30, limit }),
  sessions: (db, limit) => pruneSessions(db, { limit }),
  loginCodes: (db, limit) => pruneLoginCodes(db, { limit }),
  nonces: (db, limit) => pruneNonces(db, { limit }),
  rateLimits: (db, limit) => pruneRateLimits(db, { afterMs: 3_600_000, limit }),
}

/**
 * Deletes what is older than it is kept, in small batches and so many per pass: what is left is a later pass's. One kind that
 * cannot be pruned keeps no other. Safe to run twice and side by side.
 */
export async function prune(ctx: Pick<Context, 'db' | 'limits' | 'log'>, signal: AbortSignal): Promise<void> {
  const { db, limits, log } = ctx
  for (const [kind, pruneBatch] of Object.entries(PRUNES)) {
    try {
      let deleted = 0
      for (let batch = 0; batch < limits.retentionBatches && !signal.aborted; batch++) {
        const n = await pruneBatch(db, limits.retentionBatch)
        deleted += n
        if (n < limits.retentionBatch) break
      }
      if (deleted > 0) log.info({ kind, deleted }, 'old rows deleted')
    } catch (err) {
      log.error({ err, kind }, 'old rows could not be deleted; they are tried again')
    }
  }
}
