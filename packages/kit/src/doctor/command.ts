import { type Command, runCommand, type Terminal, Usage } from '../cli.ts'
import { UnusableEnv } from '../config.ts'
import { fault, type Finding, type Level, ok, type Seen, unverified } from './finding.ts'
import { type Check, runChecks, secretsOf } from './run.ts'

export interface Doctor<C> {
  /** `pool` or `services`. */
  service: string
  /** What it looks at, for `--help`. */
  about: string
  /** @throws UnusableEnv */
  readConfig(env: NodeJS.ProcessEnv): C
  /** How to come by a variable's value, by its name. */
  hints: Readonly<Record<string, string>>
  checks(config: C, how: { timeoutMs: number; live: boolean }): { checks: readonly Check[]; close(): Promise<void> }
  /** What `--live` does; null: there is nothing to try. */
  live: string | null
}

const LOOK_MS = 15_000

/** Looks at everything and says what it saw; the exit code: 0 no fault, 1 a fault, 2 called wrongly. */
export function runDoctor<C extends { environment: string }>(
  argv: readonly string[],
  terminal: Terminal,
  doctor: Doctor<C>,
): Promise<number> {
  const command: Command<object> = {
    name: 'doctor',
    summary: `looks at what ${doctor.service} is set up with`,
    usage: `usage: doctor [--timeout SECONDS]${doctor.live ? ' [--live]' : ''}`,
    help: `  ${doctor.about}
  Says for each: ok, warning or fault, what was seen, and what to do. Changes nothing, and shows no secret. Exit code 1: there is a fault.

  --timeout SECONDS  how long one check may take, 15 by default${doctor.live ? `\n  --live        ${doctor.live}` : ''}`,
    options: { timeout: { type: 'string' }, ...(doctor.live ? { live: { type: 'boolean' as const } } : {}) },
    async run({ values, json }) {
      const live = values['live'] === true
      const timeoutMs = seconds(values['timeout']) ?? LOOK_MS
      const findings = await examine(doctor, terminal.env, { live, timeoutMs })
      terminal.out(json ? JSON.stringify({ service: doctor.service, findings }, null, 2) : told(doctor.service, findings))
      return findings.some(({ level }) => level === 'fault') ? 1 : 0
    },
  }
  return runCommand(['doctor', ...argv], terminal, {
    about: '',
    commands: [command],
    options: {},
    optionsHelp: '',
    notes: `It looks at what ${doctor.service}'s own variables name.`,
    within: (_values, work) => work({}),
  })
}

function seconds(value: unknown): number | null {
  if (value === undefined) return null
  if (typeof value !== 'string' || !/^[1-9]\d{0,2}$/.test(value)) throw new Usage('--timeout takes seconds, from 1 to 999')
  return Number(value) * 1000
}

async function examine<C extends { environment: string }>(
  { readConfig, hints, checks: checksOf }: Doctor<C>,
  env: NodeJS.ProcessEnv,
  how: { live: boolean; timeoutMs: number },
): Promise<Finding[]> {
  const secrets = secretsOf(env)
  let config: C
  try {
    config = readConfig(env)
  } catch (err) {
    if (!(err instanceof UnusableEnv)) throw err
    const faults = err.faults.map(({ name, message }) =>
      fault('VARIABLE', `${name} ${message}`, hints[name] ?? `set ${name} right`),
    )
    const rest = unverified('REST', 'nothing else can be looked at before the variables are right')
    return runChecks([check('config', [...faults, rest])], { ...how, secrets })
  }
  const { checks, close } = checksOf(config, how)
  try {
    const fine = check('config', [ok('CONFIG', `every variable is usable; environment "${config.environment}"`)])
    return await runChecks([fine, ...checks], { ...how, secrets })
  } finally {
    await close()
  }
}

const check = (about: string, seen: readonly Seen[]): Check => ({ about, look: () => Promise.resolve(seen) })

const SIGNS: Record<Level, string> = { ok: 'ok', warning: 'WARNING', fault: 'FAULT', unverified: 'unverified' }

function told(service: string, findings: readonly Finding[]): string {
  const widest = Math.max(...findings.map(({ about }) => about.length))
  const lines = findings.flatMap(({ level, about, code, seen, todo }) => [
    `  ${SIGNS[level].padEnd(10)}  ${about.padEnd(widest)}  ${level === 'ok' ? '' : `${code}: `}${seen}`,
    ...(todo === null ? [] : [`${' '.repeat(widest + 16)}→ ${todo}`]),
  ])
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  const counted = (level: Level) => `${count(level)} ${level}${count(level) === 1 ? '' : 's'}`
  return [service, ...lines, `  ${counted('fault')}, ${counted('warning')}`].join('\n')
}
