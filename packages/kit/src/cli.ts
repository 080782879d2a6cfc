import { parseArgs, type ParseArgsConfig } from 'node:util'

/** Where a command reads from and writes to. */
export interface Terminal {
  env: NodeJS.ProcessEnv
  out(text: string): void
  err(text: string): void
  /** Rewrites one line; null where nobody watches. */
  progress: ((text: string) => void) | null
}

/** Something is wrong with how the command was called. */
export class Usage extends Error {
  override name = 'Usage'
}

/** It was called rightly and cannot be done; the message is for people. */
export class Refused extends Error {
  override name = 'Refused'
}

type Options = NonNullable<ParseArgsConfig['options']>
type Values = Readonly<Record<string, unknown>>

export interface Invocation<T extends Terminal> {
  terminal: T
  values: Values
  positionals: readonly string[]
  json: boolean
}

/** `C`: what a command works with besides its own arguments. */
export interface Command<C, T extends Terminal = Terminal> {
  name: string
  summary: string
  usage: string
  help: string
  options: Options
  positionals?: boolean
  /** The exit code. */
  run(invocation: Invocation<T> & C): Promise<number>
}

export interface CommandSet<C, T extends Terminal = Terminal> {
  /** One line about all of them. */
  about: string
  commands: readonly Command<C, T>[]
  /** What all of them take, besides `--json` and `--help`; the help lines are told under each command's own. */
  options: Options
  optionsHelp: string
  notes?: string
  /** Gets ready what they work with, for as long as `work` runs. */
  within(values: Values, work: (ready: C) => Promise<number>): Promise<number>
}

/** Runs one command; answers the exit code: 0 done, 1 failed, 2 called wrongly. */
export async function runCommand<C, T extends Terminal>(
  argv: readonly string[],
  terminal: T,
  set: CommandSet<C, T>,
): Promise<number> {
  const [name, ...args] = argv
  const command = set.commands.find((each) => each.name === name)
  if (!command) return introduce(name, terminal, set)
  try {
    const { values, positionals } = parse(args, { ...COMMON, ...set.options, ...command.options }, command.positionals ?? false)
    if (values['help'] === true) {
      terminal.out(helpOf(command, set))
      return 0
    }
    const json = values['json'] === true
    return await set.within(values, (ready) => command.run({ ...ready, terminal, values, positionals, json }))
  } catch (err) {
    if (!(err instanceof Usage || err instanceof Refused)) throw err
    terminal.err(err instanceof Usage ? `${err.message}\n${command.usage}` : err.message)
    return err instanceof Usage ? 2 : 1
  }
}

const COMMON = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const satisfies Options

function helpOf<C, T extends Terminal>({ usage, help }: Command<C, T>, { optionsHelp, notes }: CommandSet<C, T>): string {
  const common = ['  --json        print the answer as JSON', ...(optionsHelp ? [optionsHelp] : []), '  -h, --help    this text']
  return [usage, help.trimEnd(), common.join('\n'), notes].filter(Boolean).join('\n\n')
}

function introduce<C, T extends Terminal>(name: string | undefined, terminal: T, { about, commands }: CommandSet<C, T>): number {
  const asked = name === '--help' || name === '-h' || name === 'help'
  const widest = Math.max(...commands.map((command) => command.name.length))
  const list = commands.map((command) => `  ${command.name.padEnd(widest + 2)} ${command.summary}`).join('\n')
  const help = `${about}\n\n${list}\n\nEvery command explains itself with --help.`
  if (asked) terminal.out(help)
  else terminal.err(name === undefined ? help : `there is no command "${name}"\n${help}`)
  return asked ? 0 : 2
}

function parse(args: string[], options: Options, allowPositionals: boolean) {
  try {
    return parseArgs({ args, options, allowPositionals, strict: true })
  } catch (err) {
    throw new Usage((err as Error).message)
  }
}
