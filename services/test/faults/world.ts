import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectDatabase, createLogger } from '@convos/kit'
import { SANDBOX_WORKSPACE, startSimulators } from '@convos/sandbox'
import { eventually } from '@convos/sandbox/testing'
import { testEnv } from '../support/config.ts'
import { servicesDatabase } from '../support/harness.ts'

const INDEX = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
/** How far lists lag behind, as far as services is told. */
const LAG_MS = 150

/** One replica: the process that production runs. */
interface Replica {
  child: ChildProcess
  exited: Promise<unknown>
  port: number
}

export type World = Awaited<ReturnType<typeof createWorld>>

/** Services as real processes on a real database, every provider simulated, instances virtual: all of it can be cut off anywhere. */
export async function createWorld(postgresUrl: string, { replicas: wanted }: { replicas: number }) {
  const sim = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0 } })
  const settings = async (provider: string, change: object) => {
    const res = await fetch(`${sim.url}/_control/${provider}/settings`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(change),
    })
    if (!res.ok) throw new Error(`${provider} takes no such settings: ${await res.text()}`)
  }
  await settings('telnyx', { activationMs: 300, listedAfterMs: 300 })
  await settings('bankr', { createsPerMinute: 10_000 })
  await settings('agentmail', { inboxLimit: 1_000 })
  const database = await servicesDatabase(postgresUrl)
  const db = connectDatabase({ url: database.url, log: createLogger('test', 'silent'), max: 4 })
  const env = testEnv({
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.url,
    LOG_LEVEL: 'info',
    RAILWAY_API_URL: `${sim.url}/railway/graphql/v2`,
    RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
    RAILWAY_PROJECT_INTERVAL_MS: String(LAG_MS),
    RAILWAY_HOURLY_BUDGET: '1000000',
    OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
    AGENTMAIL_API_URL: `${sim.url}/agentmail/v0`,
    AGENTMAIL_API_KEY: `am_${randomBytes(12).toString('hex')}`,
    TELNYX_API_URL: `${sim.url}/telnyx/v2`,
    TELNYX_API_KEY: randomBytes(12).toString('hex'),
    BANKR_API_URL: `${sim.url}/bankr`,
    BANKR_API_KEY: `bk_ptr_${randomBytes(12).toString('hex')}`,
    GHCR_URL: sim.url,
  })
  const replicas: Replica[] = []
  let closed = false

  async function startReplica(): Promise<Replica> {
    const child = spawn(process.execPath, [INDEX], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const exited = once(child, 'exit')
    const port = await eventually('it listens', () => /"port":(\d+)/.exec(output)?.[1], { timeoutMs: 30_000 })
    return { child, exited, port: Number(port) }
  }
  const start = async () => void replicas.push(...(await Promise.all(Array.from({ length: wanted }, startReplica))))

  async function end(signal: 'SIGTERM' | 'SIGKILL') {
    const ending = replicas.splice(0)
    for (const { child } of ending) child.kill(signal)
    await Promise.all(ending.map(({ exited }) => exited))
  }

  /** Backoffs are not waited out: nobody learns anything from them. */
  const hurrying = setInterval(() => {
    db.query(`update instance_infra set next_run_at = clock_now() where next_run_at > clock_now() + interval '200 ms'`).catch(
      () => undefined,
    )
  }, 200)

  await start()
  return {
    sim,
    db,
    env,
    /** One request to services, through whichever replica is up; null when none answered it. */
    async ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown } | null> {
      const replica = replicas[Math.floor(Math.random() * replicas.length)]
      if (!replica || closed) return null
      try {
        const res = await fetch(`http://127.0.0.1:${replica.port}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${env['SERVICES_API_KEY']}`,
            'x-environment': 'dev',
            'content-type': 'application/json',
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(40_000),
        })
        return { status: res.status, body: await res.json() }
      } catch {
        return null
      }
    },
    /** kill -9 of every replica at once; what they held is free when they are back, as leases have run out by then. */
    async killAll(meanwhile: () => void) {
      await end('SIGKILL')
      meanwhile()
      await database.moveClock(121_000)
      await start()
    },
    /** Time passes while nothing runs: what was in doubt is certain afterwards. */
    async sleepThrough() {
      await end('SIGTERM')
      await database.moveClock(121_000)
      await start()
    },
    async close() {
      closed = true
      clearInterval(hurrying)
      await end('SIGTERM')
      await sim.close()
      await db.end()
      await database.drop()
    },
  }
}
