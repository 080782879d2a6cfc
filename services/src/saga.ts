import { inSpan, type Queryable } from '@convos/kit'
import { type Direction, type LogEntry, logEnded, logFound, logStarted, readSagaLog } from './db/saga-log.ts'
import type { Lease } from './db/runner.ts'
import { ProviderError } from './infra/errors.ts'

/** One way through a step. Both halves may run any number of times, and be cut off anywhere. */
interface Act<C> {
  /** Looks, without changing anything at a provider: is there still something to do? `NotYet` when that cannot be told before later. */
  look(c: C, log: StepLog): Promise<'done' | 'act'>
  /** Logged as started before its first call, and as ended after its last. */
  act(c: C, log: StepLog): Promise<void>
}

export interface Step<C> {
  name: string
  do: Act<C>
  /** Null: goes with another step's resource. */
  undo: Act<C> | null
}

/** What earlier attempts at a step left behind. */
export interface StepLog {
  do: LogEntry | null
  undo: LogEntry | null
}

/** Neither an attempt nor a failure: come back in `ms`. */
export class NotYet extends Error {
  override name = 'NotYet'
  readonly ms: number
  constructor(ms: number, reason: string) {
    super(reason)
    this.ms = ms
  }
}

/** Refused unheard: what was asked for did not happen and was not counted. */
export const turnedAway = (err: unknown): err is ProviderError =>
  err instanceof ProviderError && (err.kind === 'throttled' || err.kind === 'rate_limited')

/** Heard and refused: what is asked for again will be refused again. */
export const isRefusal = (err: unknown): err is ProviderError =>
  err instanceof ProviderError && (err.kind === 'permanent' || err.kind === 'conflict')

export async function readLogs(db: Queryable, instanceId: string): Promise<(step: string) => StepLog> {
  const entries = await readSagaLog(db, instanceId)
  const find = (step: string, direction: Direction) =>
    entries.find((entry) => entry.step === step && entry.direction === direction) ?? null
  return (step) => ({ do: find(step, 'do'), undo: find(step, 'undo') })
}

interface StepToTake<C> {
  db: Queryable
  lease: Lease
  step: Step<C>
  direction: Direction
  log: StepLog
  /** The trace of who wished for it; null: none that is known. */
  parent: string | null
}

/**
 * Takes one step one way, unless the log says it is done.
 * @throws whatever the step throws, after it was logged
 */
export async function takeStep<C>(p: StepToTake<C>, c: C): Promise<void> {
  const { lease, step, direction, log, parent } = p
  const act = step[direction]
  if (!act || log[direction]?.state === 'done') return
  const names = { 'convos.step': step.name, 'convos.direction': direction, 'convos.instance_id': lease.instanceId }
  const waits = await inSpan(`step ${direction}`, { parent, attributes: names }, () =>
    take(act, p, c).catch((err: unknown) => {
      // nothing failed, and no span should say so
      if (err instanceof NotYet) return err
      throw err
    }),
  )
  if (waits instanceof NotYet) throw waits
}

async function take<C>(act: Act<C>, { db, lease, step, direction, log }: StepToTake<C>, c: C): Promise<void> {
  const at = { step: step.name, direction }
  if ((await act.look(c, log)) === 'done') return logFound(db, lease, at)
  await logStarted(db, lease, at)
  try {
    await act.act(c, log)
  } catch (err) {
    const error = describe(err)
    // who says "not yet" knows what was done so far; who is turned away unheard is told nothing of what was in doubt before
    const stillUncertain = turnedAway(err) && (log[direction]?.uncertain ?? false)
    const uncertain = !(err instanceof NotYet) && (!(err instanceof ProviderError) || err.uncertain || stillUncertain)
    const counts = !(err instanceof NotYet) && !turnedAway(err)
    await logEnded(db, lease, { ...at, state: 'failed', error, uncertain, counts })
    throw err
  }
  await logEnded(db, lease, { ...at, state: 'done', error: null, uncertain: false, counts: true })
}

/** A failure as it is kept in a ledger. */
export const describe = (err: unknown): string => (err instanceof Error ? err.message : String(err)).slice(0, 500)
