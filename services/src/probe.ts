import type { Health } from '@convos/agent-server/contract'
import { type Loop, requestJson, startLoop } from '@convos/kit'
import type { Context } from './context.ts'
import { createCrew } from './crew.ts'
import type { Phase } from './db/instances.ts'
import { claimDueProbes, type DueProbe, recordAnswer, recordNoAnswer } from './db/probes.ts'
import { ProbeAnswer } from './instance/health.ts'
import {
  INSTANCE_MAX_BYTES,
  LOOKUP_AFTER_FAILURES,
  PROBE,
  PROBE_BOUND,
  PROBE_CLAIM,
  PROBE_CONCURRENCY,
  PROBE_FAILING,
  PROBE_FAILING_CAP,
  PROBE_IN_TRANSITION,
  PROBE_POLL_EVERY,
  PROBE_UNBOUND,
} from './limits.ts'

/** Probes instances as they fall due, side by side, and records what they say. */
export function startProber(ctx: Context): Loop {
  const crew = createCrew(PROBE_CONCURRENCY, () => {})
  const loop = startLoop({
    name: 'prober',
    everyMs: PROBE_POLL_EVERY,
    clock: ctx.clock,
    log: ctx.log,
    async pass() {
      if (crew.free === 0) return
      const due = await claimDueProbes(ctx.db, { limit: crew.free, claimMs: PROBE_CLAIM, ids: null })
      for (const instance of due) crew.start(probeInstance(ctx, instance))
    },
  })
  return {
    wake: () => loop.wake(),
    async stop() {
      await loop.stop()
      await crew.idle()
    },
  }
}

/** Probes those of `ids` that are due, each once, until time is up. */
export async function probeDue(ctx: Context, ids: string[], until: AbortSignal): Promise<void> {
  const waiting = new Set(ids)
  while (!until.aborted && waiting.size > 0) {
    const due = await claimDueProbes(ctx.db, { limit: PROBE_CONCURRENCY, claimMs: PROBE_CLAIM, ids: [...waiting] })
    if (due.length === 0) return
    for (const { instanceId } of due) waiting.delete(instanceId)
    await Promise.all(due.map((instance) => probeInstance(ctx, instance)))
  }
}

/** One probe, recorded unless something changed about the instance meanwhile. Never rejects. */
async function probeInstance(ctx: Context, due: DueProbe): Promise<void> {
  const { instanceId, ticket } = due
  try {
    const health = await ask(ctx, due)
    const nextMs = nextProbeMs({ ...due, health })
    if (health) await recordAnswer(ctx.db, { instanceId, ticket, health, nextMs })
    else await recordNoAnswer(ctx.db, { instanceId, ticket, nextMs, lookupAfter: LOOKUP_AFTER_FAILURES })
    ctx.metrics.countProbe(due.phase, health ? (health.ready ? 'ready' : 'not_ready') : 'no_answer')
    ctx.changed.notify()
  } catch (err) {
    ctx.log.error({ err, instanceId }, 'the probe could not be recorded')
  }
}

/** What the instance says of itself; null when it gives no such answer, whatever the reason. */
async function ask({ vault, log }: Context, { instanceId, url, controlToken }: DueProbe): Promise<Health | null> {
  const token = vault.open(controlToken, `instance_infra/${instanceId}/control_token`)
  try {
    const { data } = await requestJson(`${url}/pool/health`, {
      headers: { authorization: `Bearer ${token}` },
      timeoutMs: PROBE,
      maxBytes: INSTANCE_MAX_BYTES,
      alsoOk: [503],
      reply: ProbeAnswer,
    })
    return data
  } catch (err) {
    log.debug({ instanceId, reason: err instanceof Error ? err.message : err }, 'no answer to the probe')
    return null
  }
}

/** How long a probe's result is good for: the sooner something may change, the shorter. */
export function nextProbeMs(p: { phase: Phase; failures: number; health: Pick<Health, 'ready' | 'binding'> | null }): number {
  const { phase, failures, health } = p
  if (health?.binding === 'working' || health?.binding === 'pending') return PROBE_IN_TRANSITION
  if (!health?.ready) {
    if (phase === 'deploying') return PROBE_IN_TRANSITION
    // three failures come quickly, so that trouble is known soon; what stays silent is asked less and less
    return Math.min(PROBE_FAILING_CAP, PROBE_FAILING * 2 ** Math.max(0, failures - 3))
  }
  return health.binding === 'none' ? PROBE_UNBOUND : PROBE_BOUND
}
