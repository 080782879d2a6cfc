import { parseArgs, type ParseArgsConfig } from 'node:util'
import { connect, Refused } from './client.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './commands.ts'
import { type Terminal, Usage } from './terminal.ts'

const COMMON = {
  json: { type: 'boolean' },
  url: { type: 'string' },
  key: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options']

const COMMON_HELP = `  --json        print the answer as JSON
  --url URL     the pool (POOL_URL, else the running sandbox)
  --key KEY     its API key (POOL_API_KEY, else the running sandbox's); the variable keeps it out of the process list
  -h, --help    this text`

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
    const api = await connect({ url: text(values['url']), key: text(values['key']), env: terminal.env })
    return await command.run({ api, terminal, values, positionals, json: values['json'] === true })
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

function introduce(name: string | undefined, terminal: Terminal): number {
  const asked = name === undefined || name === '--help' || name === '-h' || name === 'help'
  const list = COMMANDS.map((c) => `  ${c.name.padEnd(11)} ${c.summary}`).join('\n')
  const help = `Works with a running pool.\n\n${list}\n\nEvery command explains itself with --help.`
  if (asked) terminal.out(help)
  else terminal.err(`there is no command "${name}"\n${help}`)
  return asked && name !== undefined ? 0 : 2
}

function parse(command: Command, args: string[]) {
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...COMMON, ...command.options }
    return parseArgs({ args, options, allowPositionals: command.positionals ?? false, strict: true })
  } catch (err) {
    throw new Usage((err as Error).message)
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
