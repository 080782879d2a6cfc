import { createLogger, type Database } from '@convos/kit'
import { Registry } from 'prom-client'
import { readConfig } from '../../src/config.ts'
import type { Context } from '../../src/context.ts'
import { LIMITS } from '../../src/limits.ts'
import { type Parts, startParts } from '../../src/parts.ts'
import { createSignals } from '../../src/signals.ts'
import { clientOf } from './client.ts'
import { databaseOf } from './database.ts'
import { createMeters } from '../../src/watch/meters.ts'
import type { Faults } from './faults.ts'
import { TARGET } from './laws.ts'
import type { Process, Schedule } from './schedule.ts'
import type { Time } from './time.ts'
import type { World } from './world.ts'

export const config = readConfig({
  DATABASE_URL: 'postgres://model',
  POOL_ENVIRONMENT: 'dev',
  POOL_API_KEY: 'key-of-the-model',
  POOL_SECRET: 'secret-of-the-model',
  POOL_MIN_IDLE: String(TARGET),
  POOL_STUCK_TIMEOUT_MS: '60000',
  SERVICES_URL: 'http://services.test',
  SERVICES_API_KEY: 'services-key-of-the-model',
})
const log = createLogger('model', 'silent')

export interface Replica {
  process: Process
  ctx: Context
  parts: Parts
}

/** A pool as index.ts starts it, on a simulated world: every part, loop and statement is the real one. */
export function startReplica(p: {
  name: string
  real: Database
  schedule: Schedule
  time: Time
  world: World
  faults: Faults
  afterStatement(names: readonly string[]): Promise<void>
}): Replica {
  const { name, schedule, time } = p
  const process = schedule.spawn(name)
  const registry = new Registry()
  const ctx: Context = {
    config,
    limits: LIMITS,
    log,
    metrics: { registry, middleware: (_req, _res, next) => next() },
    meters: createMeters(registry, LIMITS),
    db: databaseOf({ ...p, process }),
    services: clientOf({ ...p, process }),
    signals: createSignals(),
    clock: time.clockOf(process),
    secrets: config.secrets ?? [],
    fingerprint: 'model',
    replica: name,
  }
  return { process, ctx, parts: startParts(ctx) }
}
