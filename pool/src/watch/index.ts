import { type Loop, startLoop } from '@convos/kit'
import type { Context } from '../context.ts'
import type { Tick } from '../fleet/tick.ts'
import { evaluateAlerts, tellAlerts } from './alerts.ts'
import { prune } from './retention.ts'
import { recordStats } from './stats.ts'

export interface Watch {
  stop(): Promise<void>
}

/**
 * What is kept for whoever has to find out what is wrong: a row per minute, alerts, and history for as long as it is needed.
 * The replica that ticks does it; nothing goes wrong where two believe that they do.
 */
export function startWatch(ctx: Context, tick: Pick<Tick, 'leading'>): Watch {
  const { clock, limits, log, signals } = ctx
  const whileLeading = (name: string, everyMs: number, pass: (signal: AbortSignal) => Promise<void>): Loop =>
    startLoop({
      name,
      everyMs,
      clock,
      log,
      pass: async (signal) => {
        if (tick.leading) await pass(signal)
      },
    })

  const stats = whileLeading('stats', limits.statsEveryMs, () => recordStats(ctx))
  const alerts = whileLeading('alerts', limits.alertEveryMs, async () => {
    await evaluateAlerts(ctx)
    await tellAlerts(ctx)
  })
  const retention = whileLeading('retention', limits.retentionEveryMs, (signal) => prune(ctx, signal))
  signals.on('leading', () => {
    stats.wake()
    retention.wake()
  })
  return { stop: async () => void (await Promise.all([stats.stop(), alerts.stop(), retention.stop()])) }
}
