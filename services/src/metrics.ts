import { createMetrics, type Metrics } from '@convos/kit'
import { Counter, Gauge } from 'prom-client'
import type { Phase } from './db/instances.ts'

/** Counts one request to a provider; providers' own counters are not to be relied on. */
export type CountRequest = (provider: string, operation: string, outcome: string) => void

export interface ServiceMetrics extends Metrics {
  countRequest: CountRequest
  countProbe(outcome: 'ready' | 'not_ready' | 'no_answer'): void
}

/** @param phases asked at each scrape, never in between */
export function createServiceMetrics(phases: () => Promise<{ phase: Phase; count: number }[]>): ServiceMetrics {
  const metrics = createMetrics('services')
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
  const instances = new Gauge({
    name: 'instances',
    help: 'Instances that are not destroyed, by phase',
    labelNames: ['phase'],
    registers,
    async collect() {
      const counts = await phases()
      instances.reset()
      for (const { phase, count } of counts) instances.set({ phase }, count)
    },
  })
  return {
    ...metrics,
    countRequest: (provider, operation, outcome) => requests.inc({ provider, operation, outcome }),
    countProbe: (outcome) => probes.inc({ outcome }),
  }
}
