import { fileURLToPath } from 'node:url'
import { migrate, processTerminal, runMigration } from '@convos/kit'
import { type Config, readConfig } from '../config.ts'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Brings pool's database up to date; refuses one of another environment. */
export const migratePool = (config: Pick<Config, 'environment' | 'database'>) =>
  migrate({ url: config.database.directUrl, folder: FOLDER, environment: config.environment })

if (import.meta.main)
  process.exitCode = await runMigration(process.argv.slice(2), processTerminal(process.env), {
    service: 'pool',
    migrate: async (env) => migratePool(readConfig(env)),
  })
