import { setTimeout as delay } from 'node:timers/promises'
import { listen, startLoop } from '@convos/kit'
import { createApp } from './app.ts'
import { startBudgets } from './budget/flush.ts'
import type { Context } from './context.ts'
import { resolveImageIfDue } from './images.ts'
import { IMAGE_RESOLVE_EVERY, SHUTDOWN } from './limits.ts'
import { startLookups } from './lookup.ts'
import { startProber } from './probe.ts'
import { createPublicApp } from './public/app.ts'
import { publicDeps } from './public-deps.ts'
import { startRunner } from './runner.ts'
import { startUpkeep } from './upkeep.ts'

export interface RunningServices {
  port: number
  /** Null where the public listener is off. */
  publicPort: number | null
  stop(): Promise<void>
}

/** One replica at work: its loops and its listener. Any number of them may share a database. */
export async function startServices(ctx: Context): Promise<RunningServices> {
  const retired = new AbortController()
  const stopping = new AbortController()
  const loops = [
    startRunner(ctx),
    startProber(ctx),
    startLookups(ctx),
    startUpkeep(ctx),
    startLoop({
      name: 'image',
      everyMs: IMAGE_RESOLVE_EVERY,
      clock: ctx.clock,
      log: ctx.log,
      pass: () => resolveImageIfDue(ctx),
    }),
  ]
  const budgets = startBudgets(ctx)
  const listening = await listen(createApp(ctx, { retired: retired.signal, stopping: stopping.signal }), ctx.config.port)
  const { publicPort } = ctx.config
  const open = publicPort === null ? null : await listen(createPublicApp(ctx, publicDeps(ctx)), publicPort)
  ctx.log.info({ port: listening.port, publicPort: open?.port ?? null, environment: ctx.config.environment }, 'listening')
  return {
    port: listening.port,
    publicPort: open?.port ?? null,
    async stop() {
      // whoever directs requests here hears of it at /readyz before the first is refused
      retired.abort()
      await delay(ctx.config.shutdownDelayMs)
      stopping.abort()
      await Promise.all([
        listening.close(SHUTDOWN),
        open?.close(SHUTDOWN),
        withinShutdown(Promise.all(loops.map((loop) => loop.stop()))),
      ])
      // what ran until now was counted too
      await budgets.stop()
      await ctx.db.end()
    },
  }
}

/** A slow answer is not waited for: nothing of it would be missed. */
const withinShutdown = (work: Promise<unknown>) =>
  Promise.race([work, new Promise((resolve) => setTimeout(resolve, SHUTDOWN).unref())])
