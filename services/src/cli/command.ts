import type { ParseArgsConfig } from 'node:util'
import type { Database, Meta } from '@convos/kit'
import type { Config } from '../config.ts'
import type { Terminal } from './terminal.ts'

/** One call of a command, with the database of the service that this environment configures. */
export interface Invocation {
  db: Database
  config: Config
  meta: Meta
  terminal: Terminal
  values: Readonly<Record<string, unknown>>
  positionals: readonly string[]
  json: boolean
}

export interface Command {
  name: string
  summary: string
  usage: string
  help: string
  options: NonNullable<ParseArgsConfig['options']>
  positionals?: boolean
  /** The exit code. */
  run(invocation: Invocation): Promise<number>
}
