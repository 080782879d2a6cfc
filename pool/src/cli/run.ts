import { type CommandSet, runCommand, type Terminal } from '@convos/kit'
import { type Api, connect } from './client.ts'
import { COMMANDS } from './commands.ts'

/** Runs one command on a running pool; answers the exit code. */
export function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const set: CommandSet<{ api: Api }> = {
    about: 'Works with a running pool.',
    commands: COMMANDS,
    options: { url: { type: 'string' }, key: { type: 'string' } },
    optionsHelp: `  --url URL     the pool (POOL_URL, else the running sandbox)
  --key KEY     its API key (POOL_API_KEY, else the running sandbox's); the variable keeps it out of the process list`,
    within: async ({ url, key }, work) => work({ api: await connect({ url: text(url), key: text(key), env: terminal.env }) }),
  }
  return runCommand(argv, terminal, set)
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
