import { text as readAll } from 'node:stream/consumers'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { currentVars, secretsOf, type Vars } from './environment.ts'
import { CallError } from './http.ts'
import { redact } from './redact.ts'

/** What it says goes to whoever asked, as it is. */
export class Refusal extends Error {
  override name = 'Refusal'
}
/** The command line is not understood. */
export class UsageError extends Refusal {}

export interface Given {
  positionals: readonly string[]
  values: Readonly<Record<string, string | boolean | undefined>>
  vars: Vars
}

export interface Command {
  /** What stands after the command's name, each by its own name. */
  args?: readonly string[]
  /** How its options are written. */
  usage?: string
  about: string
  options?: NonNullable<ParseArgsConfig['options']>
  /** What to print. @throws Refusal, CallError */
  run(given: Given): Promise<string>
}

export interface Program {
  name: string
  about: string
  commands: Readonly<Record<string, Command>>
}

/** An agent reads all of it, and pays for it. */
const OUTPUT_CHARS = 16_000

/** Runs a program as this process: 0 done, 1 refused, 2 not understood. Nothing secret is printed, not even when others send it. */
export async function main(program: Program): Promise<void> {
  let secrets: string[] = []
  const show = (text: string) => `${bounded(redact(text.trim(), secrets))}\n`
  try {
    const vars = currentVars(process.env)
    secrets = secretsOf(vars)
    process.stdout.write(show(await run(program, process.argv.slice(2), vars)))
  } catch (err) {
    process.stderr.write(show(`${program.name}: ${explain(err)}`))
    process.exitCode = err instanceof UsageError ? 2 : 1
  }
}

async function run(program: Program, [name, ...args]: string[], vars: Vars): Promise<string> {
  if (name === undefined || name === '--help' || name === '-h' || args.includes('--help')) return help(program)
  const command = Object.hasOwn(program.commands, name) ? program.commands[name] : undefined
  if (!command) throw new UsageError(`there is no "${name}"\n\n${help(program)}`)
  const usage = (cause: unknown) =>
    new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\nusage: ${usageOf(program.name, name, command)}`)
  let parsed
  try {
    parsed = parseArgs({ args, options: command.options ?? {}, allowPositionals: true, strict: true })
  } catch (err) {
    throw usage(err)
  }
  const { positionals, values } = parsed
  const wanted = command.args?.length ?? 0
  if (positionals.length !== wanted)
    throw usage(`${wanted} argument(s) expected, ${positionals.length} given; quote texts and ids`)
  return await command.run({ positionals, values: values as Given['values'], vars })
}

const usageOf = (program: string, name: string, { args = [], usage = '' }: Command) =>
  [program, name, ...args.map((each) => `<${each}>`), usage].filter(Boolean).join(' ')

const help = ({ name, about, commands }: Program) =>
  [about, '', ...Object.entries(commands).map(([each, command]) => `${usageOf(name, each, command)}\n    ${command.about}`)].join(
    '\n',
  )

function explain(err: unknown): string {
  if (err instanceof Refusal) return err.message
  if (err instanceof CallError)
    return err.retryAfterMs === null ? err.message : `${err.message}; try again in ${Math.ceil(err.retryAfterMs / 1000)} s`
  return err instanceof Error ? err.message : String(err)
}

const bounded = (text: string) =>
  text.length <= OUTPUT_CHARS
    ? text
    : `${text.slice(0, OUTPUT_CHARS)}\n[… ${text.length - OUTPUT_CHARS} more characters left out]`

/** An option that must be there. @throws UsageError */
export function required({ values }: Given, option: string): string {
  const value = values[option]
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${option} is missing`)
  return value
}

/** A text that stands in an option, or comes by standard input when that says `-`. */
export async function textIn(given: Given, option = 'text'): Promise<string> {
  const value = required(given, option)
  return value === '-' ? (await readAll(process.stdin)).trim() : value
}
