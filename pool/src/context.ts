import { type Clock, createMetrics, type Database, type Logger, type Metrics, systemClock } from '@convos/kit'
import { newToken } from './naming.ts'
import type { Config } from './config.ts'
import { readFingerprint } from './db/fingerprint.ts'
import { readSecret, readSettings, seedSettings } from './db/settings.ts'
import { LIMITS, type Limits } from './limits.ts'
import { createServices, type Services } from './services/client.ts'
import { createSignals, type Signals } from './signals.ts'
import { createMeters, type Meters } from './watch/meters.ts'

/** What every part of pool works with; made once per process, or per test. */
export interface Context {
  config: Config
  limits: Limits
  log: Logger
  metrics: Metrics
  meters: Meters
  db: Database
  services: Services
  signals: Signals
  clock: Clock
  /** Keys of our HMACs: the first makes, all are accepted. */
  secrets: readonly string[]
  /** Of this deployment, see `readFingerprint`. */
  fingerprint: string
  /** This replica, as a holder of leases. */
  replica: string
}

export async function createContext(p: {
  config: Config
  log: Logger
  db: Database
  limits?: Partial<Limits>
  clock?: Clock
}): Promise<Context> {
  const { config, log, db, clock = systemClock } = p
  const limits = { ...LIMITS, ...p.limits }
  await seed(config, db, log)
  const metrics = createMetrics('pool', config.environment)
  return {
    config,
    limits,
    log,
    metrics,
    meters: createMeters(metrics.registry, limits),
    db,
    services: createServices({ ...config.services, environment: config.environment, limits }),
    signals: createSignals(),
    clock,
    secrets: config.secrets ?? [await readSecret(db)],
    fingerprint: await readFingerprint(db),
    replica: newToken(),
  }
}

/** The environment seeds the first start; later the database wins, and where the two differ somebody should know. */
async function seed({ seeds }: Config, db: Database, log: Logger): Promise<void> {
  await seedSettings(db, seeds)
  const settings = await readSettings(db)
  const passedOver = Object.entries(seeds).filter(([name, value]) => settings[name as keyof typeof seeds] !== value)
  if (passedOver.length > 0)
    log.warn(
      { environment: Object.fromEntries(passedOver) },
      'the environment differs from the settings in the database, which hold; change them with PATCH /api/pool/settings',
    )
}
