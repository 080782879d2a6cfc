import { randomUUID } from 'node:crypto'
import { backoffMs, type Loop, startLoop } from '@convos/kit'
import type { Context } from './context.ts'
import { createCrew } from './crew.ts'
import { recordRolloutOver } from './db/creation.ts'
import {
  claimDueInstances,
  type HeldInstance,
  type Lease,
  LeaseLost,
  pauseInstance,
  readHeld,
  recordPhase,
  releaseInstances,
  renewLease,
} from './db/runner.ts'
import { type Drive, towardsWish } from './drive.ts'
import {
  CREATE_REFUSALS,
  RATE_LIMIT_DEFAULT_WAIT,
  RETRY_BASE,
  RETRY_CAP,
  RUNNER_CONCURRENCY,
  RUNNER_DRAIN,
  RUNNER_POLL_EVERY,
  RUNNER_RENEW_EVERY,
  RUNNER_URGENT,
} from './limits.ts'
import { describe, isRefusal, NotYet, turnedAway } from './saga.ts'

/** Drives every instance to its wish, one holder per instance over all replicas. */
export function startRunner(ctx: Context): Loop {
  const stopping = new AbortController()
  const leases = new Set<Lease>()
  const drive = async (lease: Lease) => {
    leases.add(lease)
    await driveInstance(ctx, lease, stopping.signal)
    leases.delete(lease)
  }
  const crews = [
    { urgent: true, crew: createCrew(RUNNER_URGENT, () => loop.wake()) },
    { urgent: false, crew: createCrew(RUNNER_CONCURRENCY, () => loop.wake()) },
  ]
  const loop = startLoop({
    name: 'runner',
    everyMs: RUNNER_POLL_EVERY,
    clock: ctx.clock,
    log: ctx.log,
    async pass() {
      for (const { urgent, crew } of crews) {
        if (crew.free === 0) continue
        // another one for each time: what is still at work on an instance that was lost meanwhile must not write with the new right
        const runnerId = randomUUID()
        const due = await claimDueInstances(ctx.db, { runnerId, limit: crew.free, urgent })
        for (const instanceId of due) crew.start(drive({ instanceId, runnerId }))
      }
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
      await Promise.race([Promise.all(crews.map(({ crew }) => crew.idle())), ctx.clock.sleep(RUNNER_DRAIN, inTime.signal)])
      inTime.abort()
      // a call that still runs is one whose answer got lost; the log tells the next holder so
      await releaseInstances(ctx.db, [...leases])
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
    const drive: Drive = { ctx, lease, stopping, row: await readHeld(ctx.db, lease), urgent: false, failures: [], refusal: null }
    try {
      const reached = await towardsWish(drive)
      if (reached !== 'stopping') ctx.traces.forget(lease.instanceId)
      if (reached === 'destroyed') log.info('the instance is destroyed')
      else await rest(drive, reached)
    } catch (err) {
      if (err instanceof LeaseLost) throw err
      await afterwards(drive, err, log)
    }
  } catch (err) {
    if (err instanceof LeaseLost) log.warn(err.message)
    else log.error({ err }, 'the instance was left as it is; its lease will run out')
  } finally {
    clearInterval(renewing)
    ctx.changed.notify()
  }
}

/** Gives back an instance with which nothing is wrong; why its deployment failed is still worth knowing. Who waits for it waits for the next holder. */
async function rest({ ctx, lease, row, urgent }: Drive, reached: 'present' | 'stopping'): Promise<void> {
  const { wish, rollout, claimId, phase, lastError } = row
  const error = phase === 'deploy_failed' ? lastError : null
  const left = reached === 'present' ? { urgent: false, delayMs: null } : { urgent, delayMs: 0 }
  await pauseInstance(ctx.db, lease, { wish, rollout, claimId, ...left, attempts: 0, refusals: 0, error })
}

/** Gives the instance back until the soonest of what failed is due; a creation or a rollout that is refused again and again is given up. */
async function afterwards(drive: Drive, err: unknown, log: Context['log']): Promise<void> {
  const { ctx, lease, row, urgent, refusal } = drive
  const { wish, rollout, claimId } = row
  const pauses = [err, ...drive.failures].map((failure) => afterFailure(failure, row))
  const pause = {
    delayMs: Math.min(...pauses.map(({ delayMs }) => delayMs)),
    attempts: Math.max(...pauses.map(({ attempts }) => attempts)),
    refusals: refusal ? row.refusals + 1 : Math.min(row.refusals, ...pauses.map(({ refusals }) => refusals)),
    error: describe(err),
  }
  log[err instanceof NotYet || turnedAway(err) ? 'debug' : 'warn']({ err, ...pause }, 'the instance is not where it should be')
  const at = { wish, rollout, claimId, urgent }
  if (!refusal || pause.refusals < CREATE_REFUSALS) return pauseInstance(ctx.db, lease, { ...at, ...pause })
  const error = describe(refusal)
  const over = { ...at, attempts: 0, refusals: 0, error }
  if (row.awaitingDeployment) {
    await recordRolloutOver(ctx.db, lease, { deploymentId: null, failure: error })
    // whatever else there is to do goes on
    return pauseInstance(ctx.db, lease, { ...over, delayMs: pause.delayMs })
  }
  await recordPhase(ctx.db, lease, { from: ['queued', 'creating', 'deploying'], to: 'deploy_failed' })
  await pauseInstance(ctx.db, lease, { ...over, delayMs: null })
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
    refusals: isRefusal(err) ? refusals + 1 : 0,
    error,
  }
}
