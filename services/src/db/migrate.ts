import { fileURLToPath } from 'node:url'
import { migrate, type Meta, processTerminal, runMigration } from '@convos/kit'
import { readConfig } from '../config.ts'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

/** Brings the services database up to date; refuses one of another environment. */
export const migrateServices = (p: { url: string; environment: string }): Promise<{ applied: string[]; meta: Meta }> =>
  migrate({ ...p, folder: FOLDER })

if (import.meta.main)
  process.exitCode = await runMigration(process.argv.slice(2), processTerminal(process.env), {
    service: 'services',
    async migrate(env) {
      const { db, environment } = readConfig(env)
      return migrateServices({ url: db.directUrl, environment })
    },
  })
