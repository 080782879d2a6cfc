import { type Command, Refused, runCommand, type Terminal } from '../cli.ts'
import { UnusableEnv } from '../config.ts'
import { createLogger } from '../log.ts'
import { inWords } from '../words.ts'
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
      throw new Refused(`the database cannot be read: ${inWords(cause)}`, { cause })
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
    throw new Refused(faultsOf(cause), { cause })
  }
}

/** Of faulty variables every one, which takes several lines. */
const faultsOf = (err: unknown): string => (err instanceof UnusableEnv ? err.message : inWords(err))

/**
 * The program that brings a service's own database up to date, as a platform runs it before it replaces anything; answers the exit code.
 */
export function runMigration(
  argv: readonly string[],
  terminal: Terminal,
  p: { service: string; migrate(env: NodeJS.ProcessEnv): Promise<{ applied: string[] }> },
): Promise<number> {
  const command: Command<object> = {
    name: 'migrate',
    summary: `brings the database of ${p.service} up to date`,
    usage: 'usage: db:migrate',
    help: `  Brings the database of ${p.service} up to date: what it has already is not done again, and two at once wait for each other. The service does the
  same when it starts. Refuses a database of another environment.
`,
    options: {},
    async run({ json }) {
      const { applied } = await p.migrate(terminal.env).catch((cause: unknown) => {
        throw new Refused(faultsOf(cause), { cause })
      })
      terminal.out(json ? JSON.stringify({ applied }) : applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date')
      return 0
    },
  }
  return runCommand(['migrate', ...argv], terminal, {
    about: '',
    commands: [command],
    options: {},
    optionsHelp: '',
    notes: `It works on the database that ${p.service}'s own variables name (DATABASE_DIRECT_URL, else DATABASE_URL).`,
    within: (_values, work) => work({}),
  })
}
