/** The doctors of services and pool, one after the other, each with its own variables. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const PARTS = ['services', 'pool'] as const
type Part = (typeof PARTS)[number]

/** Where all of these are set, the shell's variables are that part's; the key of pool alone is what any of its clients has. */
const OWN: Record<Part, readonly string[]> = {
  services: ['DATABASE_URL', 'SERVICES_ENCRYPTION_KEYS'],
  pool: ['DATABASE_URL', 'SERVICES_URL'],
}

const HELP = `usage: pnpm ops:doctor [--only services|pool] [--live] [--timeout SECONDS] [--json]

  Looks at what services and pool are set up with, and says for each thing: ok, warning or fault, what was seen, and what to do.
  Changes nothing (but see --live), and shows no secret.

  --only PART        that one
  --live             also makes a project at Railway and deletes it again, which shows what no simulator can; takes minutes
  --timeout SECONDS  how long one check may take, 15 by default
  --json             print {services: [finding…], pool: [finding…]}

The variables are those of <part>/.env; else those of this shell, where they are that part's; else those of the sandbox that runs here.
Exit code: 0 no fault, 1 a fault, 2 called wrongly.`

const root = fileURLToPath(new URL('..', import.meta.url))

function variablesOf(part: Part): string[] {
  const sandbox = `${root}.data/${part}.env`
  if (existsSync(`${root}${part}/.env`)) return [`--env-file=${root}${part}/.env`]
  const isTheirs = OWN[part].every((name) => process.env[name] !== undefined)
  return !isTheirs && existsSync(sandbox) ? [`--env-file=${sandbox}`] : []
}

interface Options {
  only?: string | undefined
  live?: boolean | undefined
  timeout?: string | undefined
  json?: boolean | undefined
}

/** The exit code; findings are printed, or kept for the one document that they are part of. */
function examine(part: Part, { live, timeout, json }: Options): { code: number; findings: unknown } {
  const args = [
    ...(live && part === 'services' ? ['--live'] : []),
    ...(timeout === undefined ? [] : ['--timeout', timeout]),
    ...(json ? ['--json'] : []),
  ]
  const { status, stdout } = spawnSync(process.execPath, [...variablesOf(part), `${root}${part}/src/cli/doctor.ts`, ...args], {
    stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
  })
  const told = json && status !== 2 && status !== null ? (JSON.parse(String(stdout)) as { findings: unknown }) : null
  return { code: status ?? 1, findings: told?.findings ?? [] }
}

function run(options: Options): number {
  const parts = PARTS.filter((part) => options.only === undefined || options.only === part)
  const examined = parts.map((part) => ({ part, ...examine(part, options) }))
  if (options.json)
    console.log(JSON.stringify(Object.fromEntries(examined.map(({ part, findings }) => [part, findings])), null, 2))
  return Math.max(...examined.map(({ code }) => code))
}

function parsed(): (Options & { help?: boolean | undefined }) | null {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        live: { type: 'boolean' },
        timeout: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.only !== undefined && !PARTS.some((part) => part === values.only)) throw new Error('--only takes services or pool')
    return values
  } catch (err) {
    console.error(`${err instanceof Error ? err.message : String(err)}\n${HELP}`)
    return null
  }
}

const options = parsed()
if (options?.help) console.log(HELP)
process.exitCode = options === null ? 2 : options.help ? 0 : run(options)
