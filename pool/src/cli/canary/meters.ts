import { createMetrics } from '@convos/kit'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Outcome } from './visit.ts'

export interface Meters {
  registry: Registry
  /** A run is over; `unsettled`: how many claims are still to be given up. */
  ran(outcome: Outcome, now: Date, unsettled: number): void
  unsettledAre(n: number): void
}

/** Until the first success the canary counts as having succeeded when it began: it gets its two intervals. */
export function createMeters(environment: string, everyMs: number, began: Date): Meters {
  const { registry } = createMetrics('canary', environment)
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const seconds = (at: Date) => at.getTime() / 1000
  const success = gauge('canary_last_success_timestamp_seconds', 'When a run last found everything right')
  const interval = gauge('canary_interval_seconds', 'How often it runs')
  const unsettledClaims = gauge('canary_unsettled_claims', 'Claims that may hold an agent and could not be given up yet')
  const phases = new Gauge({
    name: 'canary_phase_seconds',
    help: 'How long each phase of the latest run took',
    labelNames: ['phase'],
    registers,
  })
  const runs = new Counter({ name: 'canary_runs_total', help: 'Runs by outcome', labelNames: ['outcome'], registers })
  const failures = new Counter({
    name: 'canary_failures_total',
    help: 'Runs that failed, by the phase they failed in',
    labelNames: ['phase'],
    registers,
  })
  success.set(seconds(began))
  interval.set(everyMs / 1000)
  unsettledClaims.set(0)
  return {
    registry,
    ran(outcome, now, unsettled) {
      runs.inc({ outcome: outcome.ok ? 'ok' : 'failed' })
      if (outcome.ok) success.set(seconds(now))
      if (outcome.failure) failures.inc({ phase: outcome.failure.phase })
      phases.reset()
      for (const { phase, ms } of outcome.phases) phases.set({ phase }, ms / 1000)
      unsettledClaims.set(unsettled)
    },
    unsettledAre: (n) => unsettledClaims.set(n),
  }
}
