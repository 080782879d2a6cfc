import { type Clock, connectDatabase, createLogger, type Database, type Logger, type Meta, systemClock } from '@convos/kit'
import type { Config } from './config.ts'
import { createVault, type Vault } from './crypto.ts'
import { countPhases } from './db/status.ts'
import { createImageRegistry, type ImageRegistry } from './infra/ghcr.ts'
import type { InfraProvider } from './infra/provider.ts'
import { createRailway } from './infra/railway.ts'
import { createServiceMetrics, type ServiceMetrics } from './metrics.ts'
import { markerOf } from './naming.ts'
import { openrouter } from './plugins/openrouter.ts'
import { wallet } from './plugins/wallet.ts'
import { createRegistry, type Registry } from './registry.ts'
import { createSignal, type Signal } from './signal.ts'

/** What everything works with; nothing of it is the truth about an instance, that is the database alone. */
export interface Context {
  config: Config
  log: Logger
  clock: Clock
  db: Database
  vault: Vault
  infra: InfraProvider
  images: ImageRegistry
  tools: Registry
  metrics: ServiceMetrics
  /** The marker on everything that belongs to this instance. */
  marker(instanceId: string): string
  /** Something that `/changes` tells about was written. */
  changed: Signal
  /** There is something for the runner to do. */
  work: Signal
}

export function createContext(config: Config, meta: Meta): Context {
  const log = createLogger('services', config.logLevel)
  const db = connectDatabase({ url: config.db.url, prepared: config.db.prepared, log })
  const metrics = createServiceMetrics(() => countPhases(db))
  const count = metrics.countRequest
  const tools = createRegistry()
  tools.register(openrouter(config.openrouter, count))
  tools.register(wallet)
  return {
    config,
    log,
    clock: systemClock,
    db,
    vault: createVault(config.encryptionKeys),
    infra: createRailway({ ...config.railway, count }),
    images: createImageRegistry({ ...config.ghcr, count }),
    tools,
    metrics,
    marker: (instanceId) => markerOf(meta, instanceId),
    changed: createSignal(),
    work: createSignal(),
  }
}
