import { Gauge, type Registry } from 'prom-client'
import type { Account } from './account.ts'

interface Kept {
  provider: string
  perHour: number | null
  account: Account
}

/** What is left and who told us to wait, as this process knows it; read at each scrape. */
export function exposeBudgets(registry: Registry, gates: Kept[]): void {
  const labelNames = ['provider']
  const registers = [registry]
  const left = new Gauge({
    name: 'provider_budget_left',
    help: 'Requests that the hourly budget still allows, by provider',
    labelNames,
    registers,
    collect() {
      for (const { provider, account } of gates) {
        const requests = account.left()
        if (requests !== null) left.set({ provider }, requests)
      }
    },
  })
  const limit = new Gauge({
    name: 'provider_budget_limit',
    help: 'Requests of an hour that we allow ourselves, by provider',
    labelNames,
    registers,
  })
  for (const { provider, perHour } of gates) if (perHour !== null) limit.set({ provider }, perHour)
  const blocked = new Gauge({
    name: 'provider_blocked',
    help: '1 while the provider told us to wait',
    labelNames,
    registers,
    collect() {
      for (const { provider, account } of gates) blocked.set({ provider }, account.blockedMs() > 0 ? 1 : 0)
    },
  })
}
