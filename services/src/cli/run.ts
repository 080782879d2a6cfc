import { parseArgs, type ParseArgsConfig } from 'node:util'
import { connectDatabase, createLogger, type Database, type Meta, readMeta } from '@convos/kit'
import { type Config, readConfig } from '../config.ts'
import type { Command } from './command.ts'
import { detach } from './detach.ts'
import { reencrypt } from './reencrypt.ts'
import { Refused, type Terminal, Usage } from './terminal.ts'
import { wallet } from './wallet.ts'

const COMMANDS: readonly Command[] = [reencrypt, detach, wallet]

const COMMON = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options']

const COMMON_HELP = `  --json        print the answer as JSON
  -h, --help    this text

It works on the database that the service's own variables name (DATABASE_DIRECT_URL, else DATABASE_URL).`

/** Runs one command; answers the exit code: 0 done, 1 failed, 2 called wrongly. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = argv
  const command = COMMANDS.find((c) => c.name === name)
  if (!command) return introduce(name, terminal)
  try {
    const { values, positionals } = parse(command, args)
    if (values['help'] === true) {
      terminal.out(`${command.usage}\n\n${command.help}\n${COMMON_HELP}`)
      return 0
    }
    return await withDatabase(terminal, (opened) =>
      command.run({ ...opened, terminal, values, positionals, json: values['json'] === true }),
    )
  } catch (err) {
    if (err instanceof Usage) {
      terminal.err(`${err.message}\n${command.usage}`)
      return 2
    }
    if (!(err instanceof Refused)) throw err
    terminal.err(err.message)
    return 1
  }
}

async function withDatabase<T>(
  { env, err }: Terminal,
  work: (opened: { db: Database; config: Config; meta: Meta }) => Promise<T>,
): Promise<T> {
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

function introduce(name: string | undefined, terminal: Terminal): number {
  const asked = name === '--help' || name === '-h' || name === 'help'
  const list = COMMANDS.map((c) => `  ${c.name.padEnd(10)} ${c.summary}`).join('\n')
  const help = `Works on the database of services.\n\n${list}\n\nEvery command explains itself with --help.`
  if (asked) terminal.out(help)
  else terminal.err(name === undefined ? help : `there is no command "${name}"\n${help}`)
  return asked ? 0 : 2
}

function parse(command: Command, args: string[]) {
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...COMMON, ...command.options }
    return parseArgs({ args, options, allowPositionals: command.positionals ?? false, strict: true })
  } catch (err) {
    throw new Usage(messageOf(err))
  }
}
