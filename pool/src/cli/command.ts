import { type Command as AnyCommand, Usage } from '@convos/kit'
import type { Api } from './client.ts'

/** Every command works with a running pool. */
export type Command = AnyCommand<{ api: Api }>
export type Invocation = Parameters<Command['run']>[0]

/** An option that takes a whole number from 1; undefined where it was not given. */
export function number(name: string, value: unknown, max: number): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^\d+$/.test(value) || Number(value) < 1 || Number(value) > max)
    throw new Usage(`--${name} takes a whole number from 1 to ${max}`)
  return Number(value)
}
