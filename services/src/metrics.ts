import { createMetrics, type Metrics, type Queryable } from '@convos/kit'
import { Counter, Gauge, type Registry } from 'prom-client'
import { countPhases, readUnsettled } from './db/status.ts'
import { readCredits } from './db/tools.ts'

/** Counts one request to a provider; providers' own counters are not to be relied on. */
export type CountRequest = (provider: string, operation: string, outcome: string) => void

export interface ServiceMetrics extends Metrics {
  countRequest: CountRequest
  countProbe(outcome: 'ready' | 'not_ready' | 'no_answer'): void
}

/** What this process counts itself, and what the database says at each scrape, never in between. */
export function createServiceMetrics(environment: string, db: Queryable): ServiceMetrics {
  const metrics = createMetrics('services', environment)
  const registers = [metrics.registry]
  const requests = new Counter({
    name: 'provider_requests_total',
    help: 'Requests to providers, by operation and outcome',
    labelNames: ['provider', 'operation', 'outcome'],
    registers,
  })
  const probes = new Counter({
    name: 'probes_total',
    help: 'Probes of instances, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  exposeLedgers(metrics.registry, db)
  return {
    ...metrics,
    countRequest: (provider, operation, outcome) => requests.inc({ provider, operation, outcome }),
    countProbe: (outcome) => probes.inc({ outcome }),
  }
}

/** A gauge reads for itself: others may be rendered before its own reading is done. */
function exposeLedgers(registry: Registry, db: Queryable): void {
  const registers = [registry]
  new Gauge({
    name: 'instances',
    help: 'Instances that are not destroyed, by phase',
    labelNames: ['phase'],
    registers,
    async collect() {
      const counts = await countPhases(db)
      this.reset()
      for (const { phase, count } of counts) this.set({ phase }, count)
    },
  })
  new Gauge({
    name: 'ledger_unsettled_rows',
    help: 'Ledger rows on their way to somewhere else: instances by phase, resources of tools by state',
    labelNames: ['ledger', 'state'],
    registers,
    async collect() {
      for (const { ledger, state, count } of await readUnsettled(db)) this.set({ ledger, state }, count)
    },
  })
  new Gauge({
    name: 'ledger_unsettled_oldest_age_seconds',
    help: 'For how long the oldest of ledger_unsettled_rows has been on its way; resources that are being destroyed do not say',
    labelNames: ['ledger', 'state'],
    registers,
    async collect() {
      for (const { ledger, state, ageMs } of await readUnsettled(db))
        if (ageMs !== null) this.set({ ledger, state }, ageMs / 1000)
    },
  })
  new Gauge({
    name: 'provider_credit_usd',
    help: 'What is left on our account with a provider, as last measured with the usage of an instance',
    labelNames: ['provider'],
    registers,
    async collect() {
      const credits = await readCredits(db)
      this.reset()
      for (const { toolId, remaining } of credits) this.set({ provider: toolId }, remaining)
    },
  })
}
