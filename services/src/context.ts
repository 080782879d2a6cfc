import { type Clock, connectDatabase, createLogger, type Database, type Logger, type Meta, systemClock } from '@convos/kit'
import { createGates, type Gates } from './budget/gates.ts'
import type { Provider } from './budget/policies.ts'
import type { Config } from './config.ts'
import { createVault, type Vault } from './crypto.ts'
import { createImageRegistry, type ImageRegistry } from './infra/ghcr.ts'
import type { InfraProvider } from './infra/provider.ts'
import { createRailway } from './infra/railway.ts'
import { createServiceMetrics, type ServiceMetrics } from './metrics.ts'
import { markerOf } from './naming.ts'
import { registerAll } from './plugins/index.ts'
import { createRegistry, type Registry } from './registry.ts'
import { createSignal, type Signal } from './signal.ts'
import { createTraces, type Traces } from './traces.ts'

/** What everything works with; nothing of it is the truth about an instance, that is the database alone. */
export interface Context {
  config: Config
  log: Logger
  clock: Clock
  db: Database
  vault: Vault
  gates: Gates
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
  traces: Traces
  /** Something was wished for this instance, in the trace that is under way: the runner goes on in it. */
  wished(instanceId: string): void
}

export function createContext(config: Config, meta: Meta): Context {
  const log = createLogger('services', config.logLevel)
  const db = connectDatabase({ url: config.db.url, prepared: config.db.prepared, log })
  const metrics = createServiceMetrics(config.environment, db)
  const clock = systemClock
  const { hourlyBudget } = config.railway
  const gates = createGates({ db, clock, log, metrics, configured: configuredProviders(config), railwayPerHour: hourlyBudget })
  const tools = createRegistry()
  const work = createSignal()
  const traces = createTraces()
  registerAll(tools, toolOptions(config, meta), (provider) => gates[provider])
  return {
    config,
    log,
    clock,
    db,
    vault: createVault(config.encryptionKeys),
    gates,
    infra: createRailway({ ...config.railway, environment: config.environment, gate: gates.railway }),
    images: createImageRegistry({ ...config.ghcr, gate: gates.ghcr }),
    tools,
    metrics,
    marker: (instanceId) => markerOf(meta, instanceId),
    changed: createSignal(),
    work,
    traces,
    wished(instanceId) {
      traces.note(instanceId)
      work.notify()
    },
  }
}

const configuredProviders = ({ openrouter, agentmail, telnyx, bankr }: Config): Provider[] => {
  const optional = { openrouter, agentmail, telnyx, bankr }
  const present = (['openrouter', 'agentmail', 'telnyx', 'bankr'] as const).filter((provider) => optional[provider] !== null)
  return ['railway', 'ghcr', ...present]
}

const toolOptions = ({ openrouter, agentmail, telnyx, bankr, publicUrl }: Config, { deploymentId, environment }: Meta) => ({
  openrouter,
  agentmail,
  telnyx: telnyx && {
    ...telnyx,
    profileName: `convos-${deploymentId}-${environment}`,
    // without a key to verify them nothing that is received would be believed
    webhookUrl: publicUrl !== null && telnyx.publicKey !== null ? `${publicUrl}/webhooks/telnyx` : null,
  },
  bankr,
})
