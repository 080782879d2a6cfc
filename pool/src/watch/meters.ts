import { inSpan } from '@convos/kit'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { ClaimRow } from '../db/claims.ts'
import type { Limits } from '../limits.ts'

const CLAIM_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90]
const WARM_UP_BUCKETS = [5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900]
/** What claims fail of through no fault of their claimers. */
const OUR_FAULTS = ['CLAIM_FAILED', 'INSTANCE_LOST', 'INTERRUPTED', 'SERVICES_UNAVAILABLE', 'TOOLS_UNAVAILABLE', 'UNKNOWN']
const TICK_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 25]

export type Meters = ReturnType<typeof createMeters>

/** What this process counts and times itself; `gauges.ts` is what it reads when a scraper asks. Times are seconds. */
export function createMeters(registry: Registry, limits: Pick<Limits, 'hitWithinMs'>) {
  const registers = [registry]
  const claims = new Counter({
    name: 'pool_claims_total',
    help: 'Claims that this process has carried out, by what it left them as; code: why they failed',
    labelNames: ['outcome', 'code'],
    registers,
  })
  const hits = new Counter({
    name: 'pool_claims_hit_total',
    help: 'Claims of pool_claims_total, done or pending, that got their instance without waiting',
    registers,
  })
  const phases = new Histogram({
    name: 'pool_claim_phase_seconds',
    help: 'Time of a claim in the queue, for its tools, for configuring its instance, and until it was left (total)',
    labelNames: ['phase'],
    buckets: CLAIM_BUCKETS,
    registers,
  })
  const refills = new Histogram({
    name: 'pool_refill_seconds',
    help: 'Time from an instance row to a ready instance',
    buckets: WARM_UP_BUCKETS,
    registers,
  })
  const creations = new Counter({
    name: 'pool_creations_total',
    help: 'Creations that this process has seen end, by result',
    labelNames: ['result'],
    registers,
  })
  // from the start: a rule sees an increase from 0, and none in what was not there
  for (const code of OUR_FAULTS) claims.inc({ outcome: 'failed', code }, 0)
  for (const result of ['ready', 'failed']) creations.inc({ result }, 0)
  const ticks = new Histogram({
    name: 'pool_tick_duration_seconds',
    help: 'Time of one completed look at the whole fleet',
    buckets: TICK_BUCKETS,
    registers,
  })
  const leads = new Counter({
    name: 'pool_leads_total',
    help: 'How often this process became the replica that ticks',
    registers,
  })

  return {
    becameLeader: (): void => leads.inc(),

    /** A claim that this replica is done with, as it stands now. */
    claimLeft(row: ClaimRow): void {
      const outcome = row.state === 'ended' ? 'done' : row.state
      claims.inc({ outcome, code: row.state === 'failed' ? (row.error?.code ?? 'UNKNOWN') : '' })
      const isServed = outcome === 'done' || outcome === 'pending'
      const ms = (to: Date) => Math.max(0, to.getTime() - row.created_at.getTime())
      if (row.reserved_at) phases.observe({ phase: 'queued' }, ms(row.reserved_at) / 1000)
      if (isServed) phases.observe({ phase: 'total' }, ms(row.configured_at ?? row.now) / 1000)
      if (isServed && row.reserved_at && ms(row.reserved_at) <= limits.hitWithinMs) hits.inc()
    },

    /** A claim whose end this replica leaves to the sweep. */
    claimInterrupted: (): void => claims.inc({ outcome: 'failed', code: 'INTERRUPTED' }),

    /** Times a part of a claim, however it ends; in its trace, too. */
    async timed<T>(phase: 'tools' | 'configure', work: () => Promise<T>): Promise<T> {
      const stop = phases.startTimer({ phase })
      try {
        return await inSpan(`claim ${phase}`, {}, work)
      } finally {
        stop()
      }
    },

    becameReady(ms: number): void {
      creations.inc({ result: 'ready' })
      refills.observe(Math.max(0, ms) / 1000)
    },
    creationFailed: (): void => creations.inc({ result: 'failed' }),

    /** Call what it answers when the tick is completed. */
    tickBegins: (): (() => void) => ticks.startTimer(),
  }
}
