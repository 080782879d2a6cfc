import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { poolEnv, providerAccounts, servicesEnv } from '../launcher/environment.ts'
import type { StartOptions } from '../launcher/options.ts'
import { loadSettings } from '../launcher/settings.ts'
import { supervise, type Supervised } from '../launcher/supervise.ts'
import { freePort } from '../ports.ts'
import { eventually } from './eventually.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const READY_MS = 30_000
/** What a platform gives a service to finish what runs. */
const STOP_MS = 45_000

export interface StackOptions {
  environment: string
  /** Where the simulators listen; several stacks may share them, as deployments share accounts. */
  simulatorsUrl: string
  databases: { pool: string; services: string }
  idle: number
}

type Variables = Record<string, string>

/** One of a stack's services, as a process that is started again whenever it ends. */
export interface Part {
  url: string
  apiKey: string
  env: Variables
  /** Starts it and waits until it is ready; what `env` names stands in place of its own. */
  start(env?: Variables): Promise<void>
  /** Returns once the process has ended. */
  stop(): Promise<void>
  /** Of the process as it runs now. */
  pid(): number
  /** Runs one of its files to the end. */
  run(file: string, args: string[], env?: Variables): Promise<{ code: number; output: string }>
  log(): Promise<string>
}

export interface Stack {
  environment: string
  pool: Part
  services: Part
  /** Another replica: of the code in `root`, on a port of its own, with `env` in place of what the first has. */
  replica(name: 'pool' | 'services', p: { root?: string; env?: Variables }): Promise<Part>
  /** Stops what runs and removes its files. */
  close(): Promise<void>
}

/** Services and pool of one environment beside others: keys, ports and databases of their own, providers in common. Nothing runs yet. */
export async function createStack({ environment, simulatorsUrl, databases, idle }: StackOptions): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), `convos-stack-${environment}-`))
  const settings = await loadSettings(dir, 0)
  const { ports } = settings
  const options: StartOptions = {
    idle,
    instances: 'virtual',
    engine: 'lite',
    real: [],
    fresh: false,
    open: false,
    port: 0,
    dataDir: dir,
  }
  const urls = {
    pool: `http://localhost:${ports.pool}`,
    services: `http://127.0.0.1:${ports.services}`,
    servicesPublic: `http://127.0.0.1:${ports.public}`,
    simulators: simulatorsUrl,
    databases,
  }
  const own = { POOL_ENVIRONMENT: environment }
  const accounts = await providerAccounts(simulatorsUrl)
  const apiKeys = { pool: settings.poolApiKey, services: settings.servicesApiKey }
  const variables = {
    pool: { ...poolEnv(urls, settings, options), ...own },
    services: { ...servicesEnv(urls, settings, options, accounts), ...own },
  }
  const services = part('services', urls.services, variables.services)
  const pool = part('pool', urls.pool, variables.pool)
  const replicas: Part[] = []
  return {
    environment,
    pool,
    services,
    async replica(name, { root = ROOT, env = {} }) {
      const port = await freePort()
      const listening: Variables = name === 'services' ? { PUBLIC_PORT: String(await freePort()) } : {}
      const its = { ...variables[name], ...listening, PORT: String(port), ...env }
      const replica = part(name, `http://127.0.0.1:${port}`, its, { root, log: `${name}-${port}` })
      replicas.push(replica)
      return replica
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.stop()))
      await pool.stop()
      await services.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }

  function part(
    name: 'pool' | 'services',
    url: string,
    env: Variables,
    { root, log } = { root: ROOT, log: name as string },
  ): Part {
    const logFile = join(dir, `${log}.log`)
    const cwd = join(root, name)
    let running: Supervised | null = null
    let pid = 0
    return {
      url,
      apiKey: apiKeys[name],
      env,
      async start(other = {}) {
        running = await supervise({
          name,
          args: ['src/index.ts'],
          cwd,
          env: { ...env, ...other },
          logFile,
          stopMs: STOP_MS,
          onStart: (started) => void (pid = started),
        })
        await eventually(`${name} of ${environment} answers`, async () => (await fetch(`${url}/healthz`)).ok, {
          timeoutMs: READY_MS,
        })
      },
      async stop() {
        await running?.stop()
        running = null
      },
      pid: () => pid,
      run: (file, args, other = {}) =>
        new Promise((resolve) => {
          execFile(process.execPath, [file, ...args], { cwd, env: { ...env, ...other } }, (err, stdout, stderr) =>
            resolve({ code: err ? Number(err.code ?? 1) : 0, output: stdout + stderr }),
          )
        }),
      log: () => readFile(logFile, 'utf8'),
    }
  }
}
