import type { Command as AnyCommand, Database, Meta } from '@convos/kit'
import type { Config } from '../config.ts'
import type { Terminal } from './terminal.ts'

/** What commands work with: the database of the service that this environment configures. */
export interface Opened {
  db: Database
  config: Config
  meta: Meta
}
export type Command = AnyCommand<Opened, Terminal>
