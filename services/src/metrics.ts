import { createMetrics, type Metrics, type Queryable } from '@convos/kit'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Phase } from './db/instances.ts'
import { countPhases, readUnsettled } from './db/status.ts'
import { readCredits } from './db/usage.ts'

/** Counts one request to a provider; providers' own counters are not to be relied on. */
export type CountRequest = (provider: string, operation: string, outcome: string) => void

export interface ServiceMetrics extends Metrics {
  countRequest: CountRequest
  /** What starts is asked once a second until it answers, so it is told apart. */
  countProbe(phase: Phase, outcome: 'ready' | 'not_ready' | 'no_answer'): void
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
    help: 'Probes of instances, by the phase they were in and by outcome',
    labelNames: ['phase', 'outcome'],
    registers,
  })
  exposeLedgers(metrics.registry, db)
  return {
    ...metrics,
    countRequest: (provider, operation, outcome) => requests.inc({ provider, operation, outcome }),
    countProbe: (phase, outcome) => probes.inc({ phase, outcome }),
  }
}

type Sample = [labels: Record<string, string>, value: number]

function exposeLedgers(registry: Registry, db: Queryable): void {
  /** Reads for itself at each scrape: others may be rendered before its own reading is done. */
  function gauge(name: string, help: string, labelNames: string[], read: () => Promise<Sample[]>): void {
    const made = new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      async collect() {
        const samples = await read()
        this.reset()
        for (const [labels, value] of samples) this.set(labels, value)
      },
    })
    registry.registerMetric(made)
  }

  gauge('instances', 'Instances that are not destroyed, by phase', ['phase'], async () =>
    (await countPhases(db)).map(({ phase, count }): Sample => [{ phase }, count]),
  )
  gauge(
    'ledger_unsettled_rows',
    'Ledger rows on their way to somewhere else: instances by phase, resources of tools by state',
    ['ledger', 'state'],
    async () => (await readUnsettled(db)).map(({ ledger, state, count }): Sample => [{ ledger, state }, count]),
  )
  gauge(
    'ledger_unsettled_oldest_age_seconds',
    'For how long the oldest of ledger_unsettled_rows has been on its way; resources that are being destroyed do not say',
    ['ledger', 'state'],
    async () =>
      (await readUnsettled(db)).flatMap(({ ledger, state, ageMs }): Sample[] =>
        ageMs === null ? [] : [[{ ledger, state }, ageMs / 1000]],
      ),
  )
  gauge(
    'provider_credit_usd',
    'What is left on our account with a provider, as last measured with the usage of an instance',
    ['provider'],
    async () => (await readCredits(db)).map(({ toolId, remaining }): Sample => [{ provider: toolId }, remaining]),
  )
}
