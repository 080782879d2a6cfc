import { randomUUID } from 'node:crypto'
import { backoffMs, type Loop, startLoop } from '@convos/kit'
import type { Context } from './context.ts'
import { createCrew } from './crew.ts'
import {
  claimDueInstances,
  type HeldInstance,
  type Lease,
  LeaseLost,
  pauseInstance,
  readHeld,
  recordDestroyed,
  recordPhase,
  recordProgress,
  releaseInstances,
  renewLease,
} from './db/runner.ts'
import { isKind } from './infra/errors.ts'
import { creationSteps } from './instance/create.ts'
import { unwindingSteps } from './instance/destroy.ts'
import {
  CREATE_REFUSALS,
  RATE_LIMIT_DEFAULT_WAIT,
  RETRY_BASE,
  RETRY_CAP,
  RUNNER_CONCURRENCY,
  RUNNER_DRAIN,
  RUNNER_POLL_EVERY,
  RUNNER_RENEW_EVERY,
} from './limits.ts'
import { describe, NotYet, readLogs, takeStep, turnedAway } from './saga.ts'

/** Drives every instance to its wish, one holder per instance over all replicas. */
export function startRunner(ctx: Context): Loop {
  const runnerId = randomUUID()
  const stopping = new AbortController()
  const crew = createCrew(RUNNER_CONCURRENCY, () => loop.wake())
  const loop = startLoop({
    name: 'runner',
    everyMs: RUNNER_POLL_EVERY,
    clock: ctx.clock,
    log: ctx.log,
    async pass() {
      if (crew.free === 0) return
      const due = await claimDueInstances(ctx.db, { runnerId, limit: crew.free })
      for (const instanceId of due) crew.start(driveInstance(ctx, { instanceId, runnerId }, stopping.signal))
    },
  })
  const ignore = ctx.work.listen(() => loop.wake())
  return {
    wake: () => loop.wake(),
    async stop() {
      ignore()
      stopping.abort()
      await loop.stop()
      const inTime = new AbortController()
      await Promise.race([crew.idle(), ctx.clock.sleep(RUNNER_DRAIN, inTime.signal)])
      inTime.abort()
      // a call that still runs is one whose answer got lost; the log tells the next holder so
      await releaseInstances(ctx.db, runnerId)
    },
  }
}

/** Takes a held instance as far as it will go now, then gives it back with the time it is due again. Never rejects. */
export async function driveInstance(ctx: Context, lease: Lease, stopping: AbortSignal): Promise<void> {
  const log = ctx.log.child({ instanceId: lease.instanceId })
  const renewing = setInterval(() => {
    // a lost lease shows at the next guarded write
    renewLease(ctx.db, lease).catch((err: unknown) => log.warn({ err }, 'the lease could not be renewed'))
  }, RUNNER_RENEW_EVERY)
  try {
    let row = await readHeld(ctx.db, lease)
    try {
      const reached = await towardsWish(ctx, lease, row, stopping, (fresh) => (row = fresh))
      if (reached === 'destroyed') log.info('the instance is destroyed')
      else await pauseInstance(ctx.db, lease, { wish: row.wish, delayMs: reached === 'present' ? null : 0, ...CLEAR })
    } catch (err) {
      if (err instanceof LeaseLost) throw err
      const pause = afterFailure(err, row)
      log[err instanceof NotYet || turnedAway(err) ? 'debug' : 'warn'](
        { err, ...pause },
        'the instance is not where it should be',
      )
      const givenUp = row.wish === 'present' && pause.refusals >= CREATE_REFUSALS
      if (givenUp) await recordPhase(ctx.db, lease, { from: ['queued', 'creating', 'deploying'], to: 'deploy_failed' })
      await pauseInstance(ctx.db, lease, { wish: row.wish, ...pause, delayMs: givenUp ? null : pause.delayMs })
    }
  } catch (err) {
    if (err instanceof LeaseLost) log.warn(err.message)
    else log.error({ err }, 'the instance was left as it is; its lease will run out')
  } finally {
    clearInterval(renewing)
    ctx.changed.notify()
  }
}

const CLEAR = { attempts: 0, refusals: 0, error: null }

/** Between any two steps the wish is read again: a destroy that overtakes a creation unwinds it. */
async function towardsWish(
  ctx: Context,
  lease: Lease,
  row: HeldInstance,
  stopping: AbortSignal,
  seen: (row: HeldInstance) => void,
): Promise<'present' | 'destroyed' | 'stopping'> {
  let fresh = row
  for (const step of creationSteps(ctx.tools)) {
    if (fresh.wish === 'absent') break
    if (stopping.aborted) return 'stopping'
    const log = (await readLogs(ctx.db, lease.instanceId))(step.name)
    if (log.do?.state === 'done') continue
    await takeStep({ db: ctx.db, lease, step, direction: 'do', log }, { ctx, lease, row: fresh })
    await recordProgress(ctx.db, lease)
    ctx.changed.notify()
    seen((fresh = await readHeld(ctx.db, lease)))
  }
  return fresh.wish === 'present' ? 'present' : unwind(ctx, lease, fresh, stopping)
}

/** Every resource is tried, also when another one's undoing fails: nothing is kept alive by a neighbour's fault. */
async function unwind(ctx: Context, lease: Lease, row: HeldInstance, stopping: AbortSignal): Promise<'destroyed' | 'stopping'> {
  await recordPhase(ctx.db, lease, { from: ['queued', 'creating', 'deploying', 'running', 'deploy_failed'], to: 'destroying' })
  const failures: unknown[] = []
  for (const step of await unwindingSteps(ctx, lease.instanceId)) {
    if (stopping.aborted) return 'stopping'
    const log = (await readLogs(ctx.db, lease.instanceId))(step.name)
    try {
      await takeStep({ db: ctx.db, lease, step, direction: 'undo', log }, { ctx, lease, row })
    } catch (err) {
      if (err instanceof LeaseLost) throw err
      failures.push(err)
    }
  }
  const worst = failures.find((err) => !(err instanceof NotYet)) ?? failures[0]
  if (worst !== undefined) throw worst
  await recordDestroyed(ctx.db, lease)
  return 'destroyed'
}

/** When to come back after a failure, and what it counts as. */
export function afterFailure(
  err: unknown,
  { attempts, refusals }: Pick<HeldInstance, 'attempts' | 'refusals'>,
  random: () => number = Math.random,
): { delayMs: number; attempts: number; refusals: number; error: string } {
  const error = describe(err)
  if (err instanceof NotYet) return { delayMs: err.ms, attempts, refusals, error }
  if (turnedAway(err)) {
    const waitMs = err.kind === 'throttled' ? RETRY_BASE : (err.retryAfterMs ?? RATE_LIMIT_DEFAULT_WAIT)
    // those who were turned away together must not come back together
    return { delayMs: waitMs * (1 + random() / 4), attempts, refusals, error }
  }
  const failed = attempts + 1
  return {
    delayMs: backoffMs(failed, RETRY_BASE, RETRY_CAP, random),
    attempts: failed,
    refusals: isKind(err, 'permanent', 'conflict') ? refusals + 1 : 0,
    error,
  }
}
