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
  stdin: () => Promise<string>
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

/** What a command came to; `code` 0: done, 1: refused, 2: not understood. */
export interface Ended {
  code: number
  out: string
  err: string
}

/** Runs a program as this process. */
export async function main(program: Program): Promise<void> {
  const ended = await execute(program, process.argv.slice(2), process.env, () => readAll(process.stdin))
  process.stdout.write(ended.out)
  process.stderr.write(ended.err)
  process.exitCode = ended.code
}

/** Runs a program. Nothing secret is in what it says, not even when others send it. */
export async function execute(
  program: Program,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdin: () => Promise<string>,
): Promise<Ended> {
  let secrets: string[] = []
  const show = (text: string) => `${bounded(redact(text.trim(), secrets))}\n`
  try {
    const vars = currentVars(env)
    secrets = secretsOf(vars)
    return { code: 0, out: show(await run(program, args, { vars, stdin })), err: '' }
  } catch (err) {
    return { code: err instanceof UsageError ? 2 : 1, out: '', err: show(`${program.name}: ${explain(err)}`) }
  }
}

async function run(program: Program, [name, ...args]: readonly string[], around: Pick<Given, 'vars' | 'stdin'>): Promise<string> {
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
  return await command.run({ positionals, values: values as Given['values'], ...around })
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
  return value === '-' ? (await given.stdin()).trim() : value
}
