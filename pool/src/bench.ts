/** What the benchmark measures by itself, without a pool around it; for nobody else. */
export { readConfig } from './config.ts'
export { createContext } from './context.ts'
export { migratePool } from './db/migrate.ts'
export { reserve } from './db/reserve.ts'
export { createFleet } from './fleet/fleet.ts'
export { LIMITS } from './limits.ts'
