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
import { isKind } from './infra/errors.ts'
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
import { describe, NotYet, turnedAway } from './saga.ts'

/** Drives every instance to its wish, one holder per instance over all replicas. */
export function startRunner(ctx: Context): Loop {
  const runnerId = randomUUID()
  const stopping = new AbortController()
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
        const due = await claimDueInstances(ctx.db, { runnerId, limit: crew.free, urgent })
        for (const instanceId of due) crew.start(driveInstance(ctx, { instanceId, runnerId }, stopping.signal))
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
    const drive: Drive = { ctx, lease, stopping, row: await readHeld(ctx.db, lease), urgent: false }
    try {
      const reached = await towardsWish(drive)
      if (reached === 'destroyed') log.info('the instance is destroyed')
      else await rest(drive, reached === 'present' ? null : 0)
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

/** Gives back an instance with which nothing is wrong; why its deployment failed is still worth knowing. */
async function rest({ ctx, lease, row }: Drive, delayMs: 0 | null): Promise<void> {
  const { wish, rollout, phase, lastError } = row
  const error = phase === 'deploy_failed' ? lastError : null
  await pauseInstance(ctx.db, lease, { wish, rollout, urgent: false, delayMs, attempts: 0, refusals: 0, error })
}

/** Gives the instance back until another attempt; what is refused again and again is given up. */
async function afterwards({ ctx, lease, row, urgent }: Drive, err: unknown, log: Context['log']): Promise<void> {
  const pause = afterFailure(err, row)
  log[err instanceof NotYet || turnedAway(err) ? 'debug' : 'warn']({ err, ...pause }, 'the instance is not where it should be')
  const { wish, rollout } = row
  const givenUp = wish === 'present' && pause.refusals >= CREATE_REFUSALS
  if (givenUp && rollout === 1)
    await recordPhase(ctx.db, lease, { from: ['queued', 'creating', 'deploying'], to: 'deploy_failed' })
  if (givenUp && row.awaitingDeployment) await recordRolloutOver(ctx.db, lease, { deploymentId: null, failure: pause.error })
  await pauseInstance(ctx.db, lease, { wish, rollout, urgent, ...pause, delayMs: givenUp ? null : pause.delayMs })
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
