/** The canary as a process: killed wherever it stands, it leaves nothing behind that its next run does not find. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { aviary, inUse } from './aviary.ts'
import { seedReady } from './harness.ts'

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const METRICS_TOKEN = 'metrics-token-000000'

function start({ between, key }: Pick<Awaited<ReturnType<typeof aviary>>, 'between' | 'key'>, ...args: string[]) {
  const env = { ...process.env, POOL_API_KEY: key, POOL_ENVIRONMENT: 'dev', METRICS_TOKEN }
  const argv = [CLI, 'canary', '--every', '7d', '--url', between.url, '--json', ...args]
  return spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  const [code] = (await once(child, 'exit')) as unknown[]
  return code
}

const CALLS = {
  claim: /^POST \/api\/pool\/claim/,
  look: /^GET \/api\/pool\/instances/,
  'give up': /^DELETE \/api\/pool\/claims/,
}
const PLACES = Object.keys(CALLS).flatMap((call) =>
  (['before', 'after'] as const).map((when) => ({ call: call as keyof typeof CALLS, when })),
)

test.each(PLACES)(
  'killed at "$call", $when its effect: the next run gives up what there is, and succeeds',
  async ({ call, when }) => {
    const bed = await aviary(2)
    const hangs = bed.between.hangAt(CALLS[call], when)
    const killed = start(bed, '--once')
    await hangs
    killed.kill('SIGKILL')
    await exitOf(killed)
    const next = start(bed, '--once')
    const [said, code] = await Promise.all([text(next.stdout), exitOf(next)])
    expect([code, JSON.parse(said)]).toMatchObject([0, { ok: true, settled: true }])
    expect(await inUse(bed.pool)).toBe(0)
  },
)

test('stopped while it waits, it ends; while its claim is being carried out, when that is given up', async () => {
  const bed = await aviary(1)
  const waiting = start(bed)
  await once(waiting.stdout, 'data')
  waiting.kill('SIGTERM')
  expect(await exitOf(waiting)).toBe(0)

  await seedReady(bed.pool, 1)
  const gate = Promise.withResolvers<void>()
  const { onConfigure } = bed.pool.services
  bed.pool.services.onConfigure = async (id, body) => {
    await gate.promise
    return onConfigure(id, body)
  }
  const working = start(bed)
  await eventually('it claims', () => bed.pool.services.called(/POST \/configure/).length === 2, { timeoutMs: 30_000 })
  working.kill('SIGTERM')
  gate.resolve()
  expect(await exitOf(working)).toBe(0)
  expect(await inUse(bed.pool)).toBe(0)
})

test('its metrics are for who has the token, and tell of the latest run', async () => {
  const bed = await aviary(1)
  const free = createServer().listen(0)
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  const running = start(bed, '--metrics-port', String(port))
  await once(running.stdout, 'data')
  const scrape = (bearer: string) => fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${bearer}` } })
  expect((await scrape('another')).status).toBe(401)
  const metrics = await (await scrape(METRICS_TOKEN)).text()
  expect(metrics).toMatch(/^canary_runs_total\{outcome="ok",service="canary",environment="dev"\} 1$/m)
  expect(metrics).toMatch(/^canary_phase_seconds\{phase="give_up",/m)
  expect(metrics).toMatch(/^canary_unsettled_claims\{[^}]*\} 0$/m)
  running.kill('SIGTERM')
  expect(await exitOf(running)).toBe(0)
})
