import { type AskingTerminal, type CommandSet, runCommand, withOwnDatabase } from '@convos/kit'
import { readConfig } from '../config.ts'
import type { Opened } from './command.ts'
import { detach } from './detach.ts'
import { reattach } from './reattach.ts'
import { reencrypt } from './reencrypt.ts'
import { wallet } from './wallet.ts'

/** Runs one command on the database of services; answers the exit code. */
export function run(argv: readonly string[], terminal: AskingTerminal): Promise<number> {
  const set: CommandSet<Opened, AskingTerminal> = {
    about: 'Works on the database of services.',
    commands: [reencrypt, detach, reattach, wallet],
    options: {},
    optionsHelp: '',
    notes: "It works on the database that the service's own variables name (DATABASE_DIRECT_URL, else DATABASE_URL).",
    within: (_values, work) =>
      withOwnDatabase(terminal, { service: 'services', readConfig, urlOf: ({ db }) => db.directUrl }, work),
  }
  return runCommand(argv, terminal, set)
}
