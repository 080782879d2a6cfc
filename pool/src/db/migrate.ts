import { fileURLToPath } from 'node:url'
import { migrate } from '@convos/kit'
import { type Config, readConfig } from '../config.ts'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Brings pool's database up to date; refuses one of another environment. */
export const migratePool = (config: Pick<Config, 'environment' | 'database'>) =>
  migrate({ url: config.database.directUrl, folder: FOLDER, environment: config.environment })

if (import.meta.main) {
  const { applied } = await migratePool(readConfig(process.env))
  console.log(applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date')
}
