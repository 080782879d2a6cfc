import { type CommandSet, connectDatabase, createLogger, readMeta, Refused, runCommand } from '@convos/kit'
import { readConfig } from '../config.ts'
import type { Opened } from './command.ts'
import { detach } from './detach.ts'
import { reencrypt } from './reencrypt.ts'
import type { Terminal } from './terminal.ts'
import { wallet } from './wallet.ts'

/** Runs one command on the database of services; answers the exit code. */
export function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const set: CommandSet<Opened, Terminal> = {
    about: 'Works on the database of services.',
    commands: [reencrypt, detach, wallet],
    options: {},
    optionsHelp: '',
    notes: "It works on the database that the service's own variables name (DATABASE_DIRECT_URL, else DATABASE_URL).",
    within: (_values, work) => withDatabase(terminal, work),
  }
  return runCommand(argv, terminal, set)
}

async function withDatabase<T>({ env, err }: Terminal, work: (opened: Opened) => Promise<T>): Promise<T> {
  const config = orRefuse(() => readConfig(env))
  const log = createLogger('services', 'warn', { write: (line) => err(line.trimEnd()) })
  const db = connectDatabase({ url: config.db.directUrl, log, max: 1 })
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
