import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { isFree } from '../ports.ts'
import { type EmbeddedPostgres, removeCluster, startPostgres } from '../postgres/embedded.ts'
import { prepareRuntime } from '../runtime.ts'
import { startSimulators } from '../simulators/server.ts'
import { buildDashboard } from './dashboard.ts'
import { type Descriptor, removeDescriptor, runningSandbox, writeDescriptor } from './descriptor.ts'
import type { Display } from './display.ts'
import { envFile, removeEnvFile, writeEnvFile } from './env-files.ts'
import { poolEnv, projectIntervalMs, providerAccounts, servicesEnv, type Urls } from './environment.ts'
import { type StartOptions, UsageError } from './options.ts'
import { poolApi } from './pool-api.ts'
import { loadSettings, type Settings } from './settings.ts'
import { supervise } from './supervise.ts'
import type { Teardown } from './teardown.ts'
import { openBrowser, printWelcome } from './welcome.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** How long a service may take to answer for the first time, and the first agents to be warm. */
const READY_MS = 60_000
const WARM_MS = 120_000
const WARM_EACH_MS = { lite: 500, openclaw: 120_000 }

/** Starts every part, waits until agents are warm and says how to use them. What runs is told to `teardown` at once. */
export async function runSandbox(
  options: StartOptions,
  display: Display,
  teardown: Teardown,
  interrupted: AbortSignal,
): Promise<void> {
  const dataDir = resolve(options.dataDir)
  const descriptorFile = join(dataDir, 'sandbox.json')
  const running = runningSandbox(descriptorFile)
  if (running) throw new UsageError(`a sandbox runs on ${dataDir} already (pid ${running.pid}): ${running.poolUrl}`)
  if (options.fresh) rmSync(dataDir, { recursive: true, force: true })
  if (!existsSync(join(dataDir, 'settings.json'))) removeCluster(join(dataDir, 'postgres'))
  for (const dir of [dataDir, join(dataDir, 'logs')]) mkdirSync(dir, { recursive: true })

  const settings = await loadSettings(dataDir, options.port)
  for (const [name, port] of Object.entries(settings.ports)) {
    if (!(await isFree(port))) {
      throw new UsageError(
        `port ${port} (${name}) is in use${name === 'pool' ? '; --port picks another' : `; see ${join(dataDir, 'settings.json')}`}`,
      )
    }
  }

  if (options.engine === 'openclaw') await display.phase('openclaw', (progress) => prepareRuntime(progress))
  const dashboard = buildDashboard(ROOT)
  dashboard.catch(() => {}) // reported when its phase is awaited
  const database = await display.phase('database', () => startDatabases(dataDir, settings))
  teardown.add('database', () => database.stop())

  const simulators = await startSimulators({
    port: settings.ports.simulators,
    stateFile: join(dataDir, 'simulators.json'),
    railway: { host: options.instances, projectIntervalMs: projectIntervalMs(options), dataDir: join(dataDir, 'railway') },
  })
  teardown.add('simulators', () => simulators.close())

  const urls: Urls = {
    pool: `http://localhost:${settings.ports.pool}`,
    services: `http://127.0.0.1:${settings.ports.services}`,
    servicesPublic: `http://127.0.0.1:${settings.ports.public}`,
    simulators: simulators.url,
    databases: { pool: database.url('pool'), services: database.url('services') },
  }
  await display.phase('dashboard', async (progress) => progress((await dashboard) === 'built' ? 'built' : ''))

  const api = poolApi(urls.pool, settings.poolApiKey)
  const processes = { pool: 0, services: 0 }
  let descriptor: Descriptor | undefined
  await display.phase('services', async () => {
    const parts = [
      { name: 'services' as const, env: servicesEnv(urls, settings, options, await providerAccounts(urls.simulators)) },
      { name: 'pool' as const, env: poolEnv(urls, settings, options) },
    ]
    for (const { name, env } of parts) {
      const logFile = join(dataDir, 'logs', `${name}.log`)
      const part = await supervise({
        name,
        args: ['src/index.ts'],
        cwd: join(ROOT, name),
        env,
        logFile,
        onStart: (pid, starts) => {
          processes[name] = pid
          if (starts > 1) display.line(`  ! ${name} ended and was started again; see ${logFile}`)
          if (descriptor) writeDescriptor(descriptorFile, { ...descriptor, processes })
        },
      })
      teardown.add('services', () => part.stop())
      const own = envFile(dataDir, name)
      writeEnvFile(own, env)
      teardown.add('services', async () => removeEnvFile(own))
    }
    await until(() => api.ready(), READY_MS, interrupted, `the pool is not ready; see ${join(dataDir, 'logs')}`)
  })

  descriptor = describe(urls, settings, options, await api.loginCode(), processes)
  writeDescriptor(descriptorFile, descriptor)
  teardown.add('services', async () => removeDescriptor(descriptorFile))

  const target = await api.target(options.idle)
  await display.phase('warming', (progress) =>
    until(
      async () => {
        const { idle } = await api.counts()
        progress(`${Math.min(idle, target)}/${target}`)
        return idle >= target
      },
      WARM_MS + target * WARM_EACH_MS[options.engine],
      interrupted,
      `the agents do not become ready; see ${join(dataDir, 'logs')}`,
    ),
  )
  printWelcome(display, descriptor, options)
  if (options.open) openBrowser(descriptor.loginUrl)
}

async function startDatabases(dataDir: string, settings: Settings): Promise<EmbeddedPostgres> {
  const server = await startPostgres({ dataDir: join(dataDir, 'postgres'), port: settings.ports.postgres })
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  try {
    for (const name of ['pool', 'services']) {
      const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name])
      if (rowCount === 0) await client.query(`create database ${name}`)
    }
  } finally {
    await client.end()
  }
  return server
}

function describe(
  urls: Urls,
  settings: Settings,
  { real }: StartOptions,
  loginCode: string,
  processes: Descriptor['processes'],
): Descriptor {
  return {
    pid: process.pid,
    poolUrl: urls.pool,
    poolApiKey: settings.poolApiKey,
    metricsToken: settings.metricsToken,
    servicesUrl: urls.services,
    servicesApiKey: settings.servicesApiKey,
    controlUrl: urls.simulators,
    loginUrl: `${urls.pool}/login#${loginCode}`,
    databases: urls.databases,
    providers: {
      railway: `${urls.simulators}/railway/graphql/v2`,
      openrouter: real.includes('openrouter') ? null : `${urls.simulators}/openrouter/api/v1`,
      agentmail: `${urls.simulators}/agentmail/v0`,
      telnyx: `${urls.simulators}/telnyx/v2`,
      bankr: `${urls.simulators}/bankr`,
      ghcr: urls.simulators,
      convos: `${urls.simulators}/convos`,
    },
    processes,
  }
}

async function until(check: () => Promise<boolean>, timeoutMs: number, interrupted: AbortSignal, failure: string): Promise<void> {
  const endsAt = performance.now() + timeoutMs
  while (!(await check().catch(() => false))) {
    interrupted.throwIfAborted()
    if (performance.now() > endsAt) throw new Error(failure)
    await new Promise((done) => setTimeout(done, 100))
  }
}
