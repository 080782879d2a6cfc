import { acquireLease, Deadline, type Loop, releaseLease, startLoop } from '@convos/kit'
import { sweepLostClaims } from '../claim/lost.ts'
import type { Context } from '../context.ts'
import { beat } from '../db/heartbeats.ts'
import { recordWanted } from '../db/images.ts'
import type { Fleet } from './fleet.ts'

const LEASE = 'tick'

export interface Tick {
  /** Asks for a full pass as soon as possible, if this replica is the one that ticks. */
  wake(): void
  /** Whether this replica is the one that ticks, as far as it knows. */
  readonly leading: boolean
  stop(): Promise<void>
}

/**
 * Watching the fleet: one replica holds the lease, keeps a long poll on services' changes open, looks at the ready instances
 * every 10 s and at everything every tick. The full pass only catches what the others missed.
 */
export function startTick(ctx: Context, fleet: Fleet): Tick {
  const { clock, config, db, limits, log, meters, replica, services, signals } = ctx
  let leading = false

  const tick = startLoop({
    name: 'tick',
    everyMs: config.tickIntervalMs,
    clock,
    log,
    async pass(signal) {
      if (!leading) return
      const done = meters.tickBegins()
      const deadline = new Deadline(limits.tickDeadlineMs, signal)
      const swept = sweepLostClaims(ctx, deadline).catch((err: unknown) => {
        log.error({ err }, 'lost claims could not be ended; they are tried again')
      })
      // none waits for another: boxes that keep the sweep waiting must not hide the fleet
      await Promise.all([swept, learnWanted(), fleet.look({}, deadline)])
      await beat(db, { name: 'tick', agoMs: 0 })
      done()
      // whatever was missed: operations to go on with, stock to fill
      signals.emit('operation', 'shrunk')
    },
  })

  /** What new instances are to run; while services cannot say, what was known stays. */
  async function learnWanted(): Promise<void> {
    try {
      const image = await services.wantedImage()
      if (image !== null && (await recordWanted(db, image))) log.info({ image }, 'another image is wanted')
    } catch (err) {
      log.warn({ err }, 'the wanted image is not known; the next tick asks again')
    }
  }

  let cursor: string | null = null
  let deaf = false
  const changes: Loop = startLoop({
    name: 'changes',
    everyMs: 1_000,
    clock,
    log,
    async pass(signal) {
      if (!leading) return
      try {
        const answer = await services.changes(cursor, limits.changesWaitMs, signal)
        // what changed before the first cursor, or is pruned, takes a full pass to see
        if (cursor === null || answer.reset) tick.wake()
        else if (answer.instanceIds.length > 0)
          await fleet.look({ ids: answer.instanceIds }, new Deadline(limits.tickDeadlineMs, signal))
        cursor = answer.cursor
        deaf = false
        // one reset after the other must not become a storm of full passes
        if (answer.reset) return
      } catch (err) {
        if (!deaf && !signal.aborted) log.warn({ err }, 'changes cannot be heard; the tick goes on without')
        deaf = true
      }
      if (!deaf) changes.wake()
    },
  })

  const lead: Loop = startLoop({
    name: 'lead',
    everyMs: limits.readyPollMs,
    clock,
    log,
    async pass(signal) {
      const held = await acquireLease(db, { name: LEASE, holder: replica, ms: limits.tickLeaseMs }).catch((err: unknown) => {
        leading = false
        throw err
      })
      const took = held && !leading
      leading = held
      if (took) {
        meters.becameLeader()
        cursor = null
        tick.wake()
        changes.wake()
        signals.emit('leading')
      } else if (held) await fleet.look({ status: 'ready' }, new Deadline(limits.tickDeadlineMs, signal))
    },
  })

  return {
    wake: () => tick.wake(),
    get leading() {
      return leading
    },
    async stop() {
      leading = false
      await Promise.all([lead.stop(), changes.stop(), tick.stop()])
      await releaseLease(db, { name: LEASE, holder: replica }).catch((err: unknown) => {
        log.warn({ err }, 'the lease could not be given back; it runs out')
      })
    },
  }
}
