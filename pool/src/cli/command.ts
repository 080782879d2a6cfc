import type { ParseArgsConfig } from 'node:util'
import type { Api } from './client.ts'
import { type Terminal, Usage } from './terminal.ts'

export interface Invocation {
  api: Api
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
  run(invocation: Invocation): Promise<number>
}

/** An option that takes a whole number from 1; undefined where it was not given. */
export function number(name: string, value: unknown, max: number): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^\d+$/.test(value) || Number(value) < 1 || Number(value) > max)
    throw new Usage(`--${name} takes a whole number from 1 to ${max}`)
  return Number(value)
}
