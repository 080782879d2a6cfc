import { Refused, type Terminal } from '../cli.ts'
import { createLogger } from '../log.ts'
import { connectDatabase, type Database } from './connection.ts'
import { type Meta, readMeta } from './migrate.ts'

/** What a command that works on a service's own database gets. */
export interface OpenedDatabase<C> {
  db: Database
  config: C
  meta: Meta
}

/**
 * Opens the database that a service's own variables name, for as long as `work` runs.
 * @throws Refused when the variables are faulty, or the database is another environment's
 */
export async function withOwnDatabase<C extends { environment: string }, T>(
  { env, err }: Terminal,
  p: { service: string; readConfig(env: NodeJS.ProcessEnv): C; urlOf(config: C): string },
  work: (opened: OpenedDatabase<C>) => Promise<T>,
): Promise<T> {
  const config = orRefuse(() => p.readConfig(env))
  const log = createLogger(p.service, 'warn', { write: (line) => err(line.trimEnd()) })
  const db = connectDatabase({ url: p.urlOf(config), log, max: 1, queryTimeoutMs: null })
  try {
    const meta = await readMeta(db).catch((cause: unknown) => {
      throw new Refused(`the database cannot be read: ${messageOf(cause)}`, { cause })
    })
    if (meta.environment !== config.environment)
      throw new Refused(`this database belongs to environment "${meta.environment}", not to "${config.environment}"`)
    return await work({ db, config, meta })
  } finally {
    await db.end()
  }
}

function orRefuse<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new Refused(messageOf(cause), { cause })
  }
}

const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err))
