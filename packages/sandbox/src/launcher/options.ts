import { parseArgs } from 'node:util'

export interface StartOptions {
  /** How many ready agents the pool keeps; undefined = as many as before, at first 3. */
  idle: number | undefined
  fresh: boolean
  /** Of the dashboard and the pool API; undefined = the one used last, at first 3001. */
  port: number | undefined
  open: boolean
  /** What agents are: local processes that can be talked to, or simulated ones for load, thousands in one process. */
  instances: 'process' | 'virtual'
  /** What thinks in those that are made from now on. */
  engine: 'lite' | 'openclaw'
  /** Providers that are not simulated. */
  real: 'openrouter'[]
  /** Where everything that survives a restart is kept. */
  dataDir: string
}

export const HELP = `Runs the whole system on this machine: database, simulated providers, services, pool, dashboard and agents.

  npx -y pnpm@12 start [options]

  --idle N            how many ready agents the pool keeps (default: as before, at first 3)
  --port N            port of the dashboard and the pool API (default 3001; 0: free ones for everything)
  --open              open the dashboard in a browser
  --fresh             forget everything from earlier runs first
  --engine KIND       lite: answers in one go, ready in a second (default); openclaw: the real gateway with its tools, installed on
                      first use (650 MB); each agent takes 1 GB of memory and half a minute to start, so --idle is 1 then
  --instances KIND    process: agents that can be talked to (default); virtual: simulated ones, thousands of them, for load
  --real openrouter   use the real OpenRouter: costs money, needs OPENROUTER_MANAGEMENT_KEY (and takes OPENCLAW_PRIMARY_MODEL)
  --data DIR          where data is kept (default .data)
  --help              this text

While it runs, .data/sandbox.json holds what scripts need; logs are in .data/logs. Ctrl-C stops everything.
`

export class UsageError extends Error {
  override name = 'UsageError'
}

/** Each process takes some 60 MB, with a gateway 1 GB. */
const MOST = { lite: 50, openclaw: 10, virtual: 5000 }

const count = (name: string, text: string, min: number, max: number) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max)
    throw new UsageError(`--${name} takes a whole number from ${min} to ${max}`)
  return value
}

/** Null asks for the help text. @throws UsageError */
export function parseStartOptions(args: string[], defaultDataDir: string, env = process.env): StartOptions | null {
  let values
  try {
    values = parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        idle: { type: 'string' },
        port: { type: 'string' },
        open: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        instances: { type: 'string', default: 'process' },
        engine: { type: 'string', default: 'lite' },
        real: { type: 'string', default: '' },
        data: { type: 'string', default: defaultDataDir },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (err) {
    throw new UsageError((err as Error).message)
  }
  if (values.help) return null
  const real = values.real.split(',').filter(Boolean)
  const unknown = real.find((name) => name !== 'openrouter')
  if (unknown) throw new UsageError(`--real: "${unknown}" is not known; only openrouter can be real`)
  if (real.length > 0 && !env['OPENROUTER_MANAGEMENT_KEY'])
    throw new UsageError('--real openrouter needs OPENROUTER_MANAGEMENT_KEY in the environment')
  const { instances, engine } = values
  if (instances !== 'process' && instances !== 'virtual') throw new UsageError('--instances takes process or virtual')
  if (engine !== 'lite' && engine !== 'openclaw') throw new UsageError('--engine takes lite or openclaw')
  if (engine === 'openclaw' && instances === 'virtual') throw new UsageError('--instances virtual has no engine')
  const most = instances === 'virtual' ? MOST.virtual : MOST[engine]
  const idle = values.idle ?? (engine === 'openclaw' ? '1' : undefined)
  return {
    idle: idle === undefined ? undefined : count('idle', idle, 0, most),
    instances,
    engine,
    port: values.port === undefined ? undefined : count('port', values.port, 0, 65_535),
    open: values.open,
    fresh: values.fresh,
    real: real.length > 0 ? ['openrouter'] : [],
    dataDir: values.data,
  }
}
