import { fileURLToPath } from 'node:url'
import { createLogger, migrate, type Meta } from '@convos/kit'
import { readConfig } from '../config.ts'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Brings the services database up to date; refuses one of another environment. */
export const migrateServices = (p: { url: string; environment: string }): Promise<{ applied: string[]; meta: Meta }> =>
  migrate({ ...p, folder: FOLDER })

if (import.meta.main) {
  const config = readConfig(process.env)
  const { applied } = await migrateServices({ url: config.db.directUrl, environment: config.environment })
  createLogger('services', config.logLevel).info({ applied }, 'the database is up to date')
}
