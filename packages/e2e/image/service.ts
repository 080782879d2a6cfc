import { programsOf } from '@convos/deploy/service'
import { Claim } from '@convos/pool/contract'
import { startPostgres, startSimulators } from '@convos/sandbox'
import { createStack, eventually, type Stack } from '@convos/sandbox/testing'
import pg from 'pg'
import { z } from 'zod'
import { poolClient } from '../test/support/pool.ts'
import type { Box, Builder } from './builder.ts'
import { seconds, timed, within } from './waiting.ts'

const READY_WITHIN_MS = 60_000
/** What is promised of a shutdown, and a little for the platform's signal. */
const STOPPED_WITHIN_MS = 36_000

export interface ServiceOptions {
  builder: Builder
  image: string
  /** Which of the two the image is of; the other one runs from this checkout. */
  service: 'pool' | 'services'
  /** The commit that the image was built from; null: whatever it says. */
  commit: string | null
}

/** What runs by being started, and not by being told what to do. */
const UNASKED = ['index', 'db/migrate']

/**
 * Migrates an empty database with the image, runs it beside the other service, has an agent claimed, and stops it with a claim in flight, which must be
 * answered as if nothing had happened. The rest of the world is the sandbox's simulators, and a Postgres of its own.
 */
export async function smokeService(options: ServiceOptions): Promise<void> {
  const { service } = options
  const postgres = await startPostgres({ port: 0, unsafeFast: true })
  const simulators = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0 } })
  let stack: Stack | null = null
  try {
    await createDatabases(postgres.url('postgres'))
    const databases = { pool: postgres.url('pool'), services: postgres.url('services') }
    stack = await createStack({ environment: 'dev', simulatorsUrl: simulators.url, databases, idle: 2 })
    const { env, url } = stack[service]
    const run = (command: string[] | null) => start(options, command, env)

    const user = await over(await run(['node', '-p', 'process.getuid()']))
    if (user.trim() !== '1000') throw new Error(`it runs as ${user}`)
    for (const program of programsOf(service).filter((name) => !UNASKED.includes(name)))
      await over(await run(['node', `dist/${program}.js`, '--help']))
    const migrated = await over(await run(['node', 'dist/db/migrate.js']))
    if (!migrated.includes('0001')) throw new Error(`nothing was migrated: ${migrated}`)

    if (service === 'pool') await stack.services.start()
    const box = await run(null)
    try {
      const readyMs = await timed(() => within(READY_WITHIN_MS, 'not ready', box, untilOk(`${url}/readyz`)))
      console.log(`  ready after ${seconds(readyMs)}`)
      if (service === 'services') await stack.pool.start()
      else await looksRight(url, options.commit)
      await claimAndStop({ box, stack, simulators })
    } catch (err) {
      console.error(box.output().slice(-6000))
      await box.stop().catch(() => {})
      await box.exited
      throw err
    }
  } finally {
    await stack?.close()
    await simulators.close()
    await postgres.stop()
  }
}

async function createDatabases(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const name of ['pool', 'services']) await client.query(`create database ${name}`)
  await client.end()
}

/** The service's own variables, and nothing that belongs to a process of this machine. */
function start({ builder, image }: ServiceOptions, command: string[] | null, variables: Record<string, string>): Promise<Box> {
  const { PATH: _path, HOME: _home, NODE_ENV: _mode, ...env } = variables
  return builder.run({ image, user: null, command, env })
}

/** What it has written when it has ended well. */
async function over(box: Box): Promise<string> {
  const code = await box.exited
  if (code !== 0) throw new Error(`it ended with ${code}: ${box.output()}`)
  return box.output()
}

async function untilOk(url: string): Promise<void> {
  await eventually(`${url} answers`, async () => (await fetch(url)).ok, { timeoutMs: READY_WITHIN_MS, everyMs: 100 })
}

/** The build it says it is, its page with everything that it names, and its description. */
async function looksRight(url: string, commit: string | null): Promise<void> {
  const ask = async (path: string) => {
    const res = await fetch(url + path)
    if (!res.ok) throw new Error(`${path} answered ${res.status}`)
    return res.text()
  }
  const said = z.object({ commit: z.string() }).parse(JSON.parse(await ask('/version'))).commit
  if (commit !== null && said !== commit) throw new Error(`it says it is ${said}`)
  const assets = [...(await ask('/')).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path)
  if (!assets.some((path) => path.endsWith('.js'))) throw new Error('the page has no script')
  for (const path of [...assets, '/docs', '/openapi.json']) await ask(path)
}

interface Running {
  box: Box
  stack: Stack
  simulators: Awaited<ReturnType<typeof startSimulators>>
}

/** A claim that is done, and one that is in the hands of the agent when the box is told to end. */
async function claimAndStop({ box, stack, simulators: { faults } }: Running): Promise<void> {
  const pool = poolClient({ poolUrl: stack.pool.url, poolApiKey: stack.pool.apiKey })
  const claim = async () => {
    const { status, body } = await pool.claim({ agentName: 'Ada', instructions: 'You are Ada.', waitMs: 30_000 })
    if (status !== 200 || Claim.parse(body).status !== 'done')
      throw new Error(`a claim answered ${status}: ${JSON.stringify(body)}`)
  }
  await eventually('agents are warm', async () => (await pool.counts()).idle === 2, { timeoutMs: READY_WITHIN_MS })
  console.log(`  claimed in ${seconds(await timed(claim))}`)

  faults.add({
    provider: 'railway',
    match: { method: 'POST', path: '/pool/provision' },
    effect: { kind: 'instance', how: 'hang-after' },
  })
  const inFlight = claim()
  inFlight.catch(() => {})
  await eventually('a claim is with the agent', () => faults.list().some(({ held }) => held === 1))
  const stopMs = await timed(async () => {
    await box.stop()
    await eventually('it is stopping', () => box.output().includes('"msg":"stopping"'))
    faults.clear()
    await inFlight
    await within(STOPPED_WITHIN_MS, 'still running after a TERM', null, box.exited)
  })
  const code = await box.exited
  if (code !== 0) throw new Error(`it stopped with ${code}`)
  console.log(`  stopped after ${seconds(stopMs)}, with the claim in flight answered`)
}
