import type { Context } from '../context.ts'
import type { HeldInstance, Lease } from '../db/runner.ts'
import type { LogEntry } from '../db/saga-log.ts'
import { NotYet, type Step } from '../saga.ts'

/** One runner at work on one instance; `row` is as of the present step. */
export interface Run {
  ctx: Context
  lease: Lease
  row: HeldInstance
}
export type InstanceStep = Step<Run>

/**
 * Whether to create, after an attempt whose effect is unknown: only when a look finds nothing once lists have caught up with it.
 * @param find looks for the effect, and records it when it is there
 */
export async function afterUncertainty(
  earlier: LogEntry | null,
  lagMs: number,
  find: () => Promise<boolean>,
): Promise<'done' | 'act'> {
  if (!earlier?.uncertain) return 'act'
  if (await find()) return 'done'
  if (earlier.endedAgoMs < lagMs) throw new NotYet(lagMs - earlier.endedAgoMs, 'an earlier attempt may still show its effect')
  return 'act'
}
