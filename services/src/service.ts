import { listen, startLoop } from '@convos/kit'
import { createApp } from './app.ts'
import type { Context } from './context.ts'
import { resolveImageIfDue } from './images.ts'
import { IMAGE_RESOLVE_EVERY, SHUTDOWN } from './limits.ts'
import { startLookups } from './lookup.ts'
import { startProber } from './probe.ts'
import { startRunner } from './runner.ts'
import { startUpkeep } from './upkeep.ts'

export interface RunningServices {
  port: number
  stop(): Promise<void>
}

/** One replica at work: its loops and its listener. Any number of them may share a database. */
export async function startServices(ctx: Context): Promise<RunningServices> {
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
  const listening = await listen(createApp(ctx, stopping.signal), ctx.config.port)
  ctx.log.info({ port: listening.port, environment: ctx.config.environment }, 'listening')
  return {
    port: listening.port,
    async stop() {
      stopping.abort()
      await Promise.all([listening.close(SHUTDOWN), withinShutdown(Promise.all(loops.map((loop) => loop.stop())))])
      await ctx.db.end()
    },
  }
}

/** A slow answer is not waited for: nothing of it would be missed. */
const withinShutdown = (work: Promise<unknown>) =>
  Promise.race([work, new Promise((resolve) => setTimeout(resolve, SHUTDOWN).unref())])
