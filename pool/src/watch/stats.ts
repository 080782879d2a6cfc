import type { Context } from '../context.ts'
import type { Stats, StatsWindow } from '../contract/index.ts'
import { readStats, recordCounts, recordGauges } from '../db/stats.ts'

/** How long each window's steps are, s: at most 300 of them. */
const WINDOWS: Record<StatsWindow, { seconds: number; stepSeconds: number }> = {
  '1h': { seconds: 3_600, stepSeconds: 60 },
  '6h': { seconds: 21_600, stepSeconds: 120 },
  '24h': { seconds: 86_400, stepSeconds: 300 },
  '7d': { seconds: 604_800, stepSeconds: 3_600 },
  '30d': { seconds: 2_592_000, stepSeconds: 10_800 },
}

/** Notes what this minute looks like, and counts what ended in the latest ones. Safe to run twice and side by side. */
export async function recordStats({ db, limits }: Pick<Context, 'db' | 'limits'>): Promise<void> {
  await recordGauges(db)
  await recordCounts(db, { recountMs: limits.statsRecountMs, fillMs: limits.statsFillMs, hitMs: limits.hitWithinMs })
}

/** The series of a window, every step of it. */
export async function statsOf({ db }: Pick<Context, 'db'>, window: StatsWindow): Promise<Stats> {
  const { seconds, stepSeconds } = WINDOWS[window]
  const points = await readStats(db, { stepMs: stepSeconds * 1000, points: seconds / stepSeconds })
  return { window, stepSeconds, points }
}
