import type { AskingTerminal, Command as AnyCommand, OpenedDatabase } from '@convos/kit'
import type { Config } from '../config.ts'

/** What commands work with: the database of the service that this environment configures. */
export type Opened = OpenedDatabase<Config>
export type Command = AnyCommand<Opened, AskingTerminal>
