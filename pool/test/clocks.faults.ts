import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from '@convos/sandbox/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeServices, startFakeServices } from './fake-services.ts'
import { type Answer, countRows, PUBLIC_URL, seedReady, statusOf, testDatabase } from './harness.ts'
import { newWallet, signFor } from './owners.ts'

const SRC = fileURLToPath(new URL('../src/', import.meta.url))

describe('the clock of a replica', () => {
  /** Where it is read all the same, and why that decides nothing that another replica could see otherwise. */
  const READ = {
    'claim/desk.ts': 'when a claim came in, which nothing but its trace tells',
    'cli/canary/loop.ts': 'which hour it is, in a process that shares nothing with a replica',
    'cli/canary/visit.ts': 'how long each phase took, in that process',
    'doctor/index.ts': 'how old things are, told to whoever looks; the clock itself is looked at as well',
    'feed/feed.ts': 'how long a stream of its own has lasted, which only its own listener sees',
  }
  const WALL_CLOCK = /Date\.now\b|new Date\(\s*\)|\bDate\(\s*\)|clock\.now\b|Temporal\.Now/
  /** A statement that asks for the time other than by `clock_now()`, which is the database's and can be moved. */
  const OTHER_SQL_CLOCK =
    /\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|\bcurrent_(timestamp|date|time)\b/
  const ownedTime = (text: string) => text.replaceAll('clock_now()', '')

  const files = globSync('**/*.ts', { cwd: SRC })
  const matching = (isIn: (text: string) => boolean) =>
    files.filter((file) => isIn(readFileSync(`${SRC}${file}`, 'utf8'))).toSorted()

  test('is read nowhere but where it decides nothing', () => {
    expect(files.length).toBeGreaterThan(80)
    expect(matching((text) => WALL_CLOCK.test(text))).toEqual(Object.keys(READ))
  })

  test('is not what limits count with that all replicas share', () => {
    // tries to log in are counted by each replica for itself
    expect(matching((text) => text.includes("'rate-limiter-flexible'"))).toEqual(['routes/session.ts'])
  })

  test('and that of a statement is clock_now() alone', () => {
    const inSql = (text: string) => [...text.matchAll(/text: `([^`]*)`/g)].map(([, sql = '']) => ownedTime(sql)).join('\n')
    expect(matching((text) => OTHER_SQL_CLOCK.test(inSql(text)))).toEqual([])
  })
})

interface Replica {
  call(
    method: string,
    path: string,
    p?: { body?: unknown; key?: string | null; headers?: Record<string, string> },
  ): Promise<Answer>
  /** As on a roll-out: it finishes what it does and gives its lease back. */
  stop(): Promise<void>
}

/** What a process runs first whose clock is wrong by so many minutes. */
const wrongBy = (minutes: number) => `
  const Right = Date
  const off = ${minutes * 60_000}
  globalThis.Date = class Date extends Right {
    constructor(...given) { given.length === 0 ? super(Right.now() + off) : super(...given) }
    static now() { return Right.now() + off }
  }`

/** A replica in a process of its own, whose clock is wrong by so many minutes. */
async function replicaWrongBy(minutes: number, env: Record<string, string>, key: string): Promise<Replica> {
  const early = `data:text/javascript,${encodeURIComponent(wrongBy(minutes))}`
  const child = spawn(process.execPath, ['--import', early, `${SRC}index.ts`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let port: number | null = null
  let skewMs: number | null = null
  createInterface({ input: child.stdout }).on('line', (line) => {
    const logged = JSON.parse(line) as { port?: number; time: string | number }
    skewMs ??= new Date(logged.time).getTime() - Date.now()
    port = logged.port ?? port
  })
  const at = await eventually('it to listen', () => port, { timeoutMs: 20_000 })
  // it does believe it
  expect(Math.round((skewMs ?? 0) / 60_000)).toBe(minutes)
  return {
    async call(method, path, { body, key: given = key, headers = {} } = {}) {
      const res = await fetch(`http://127.0.0.1:${at}${path}`, {
        method,
        headers: {
          ...(given === null ? {} : { authorization: `Bearer ${given}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await res.text()
      return { status: res.status, headers: res.headers, text, body: JSON.parse(text) as Answer['body'] }
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

describe('two replicas whose clocks are ten minutes apart', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>
  let services: FakeServices
  let fast: Replica
  let slow: Replica

  beforeAll(async () => {
    database = await testDatabase()
    services = await startFakeServices()
    const key = `pool-key-${crypto.randomUUID()}`
    const env = {
      PORT: '0',
      DATABASE_URL: database.url,
      POOL_ENVIRONMENT: 'dev',
      POOL_API_KEY: key,
      POOL_PUBLIC_URL: PUBLIC_URL,
      POOL_MIN_IDLE: '0',
      TICK_INTERVAL_MS: '200',
      SERVICES_URL: services.url,
      SERVICES_API_KEY: services.apiKey,
    }
    // one after the other: the first one is who looks at the fleet
    fast = await replicaWrongBy(5, env, key)
    slow = await replicaWrongBy(-5, env, key)
  })
  afterAll(async () => {
    await Promise.all([fast.stop(), slow.stop()])
    await services.close()
    await database[Symbol.asyncDispose]()
  })

  const both = () => [fast, slow]
  const stock = (n: number) => seedReady({ db: database.db, services }, n)

  test('know a claim as the same, and serve who waits at either', async () => {
    await stock(1)
    const headers = { 'idempotency-key': 'once' }
    const [first, again] = [
      await fast.call('POST', '/api/pool/claim', { headers }),
      await slow.call('POST', '/api/pool/claim', { headers }),
    ]
    expect([first.status, again.status]).toEqual([200, 200])
    expect(again.body['claimId']).toBe(first.body['claimId'])

    for (const replica of both()) {
      const waits = replica.call('POST', '/api/pool/claim', { body: { waitMs: 15_000 } })
      await eventually('it to wait', async () => {
        const { rowCount } = await database.db.query(`select 1 from claims where state = 'queued'`)
        return rowCount === 1
      })
      const [id] = await stock(1)
      expect((await waits).body).toMatchObject({ status: 'done', instanceId: id })
    }
  })

  test('count the claims of a key together', async () => {
    await stock(3)
    const made = await fast.call('POST', '/api/keys', { body: { name: 'site', role: 'claimer', claimsPerMinute: 2 } })
    const claim = (replica: Replica) => replica.call('POST', '/api/pool/claim', { key: String(made.body['key']) })
    // the slow one begins the minute, and the fast one must not think that it is over
    expect([(await claim(slow)).status, (await claim(fast)).status]).toEqual([200, 200])
    for (const replica of both()) {
      const refused = await claim(replica)
      expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } })
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    }
  })

  test('take an owner’s signature on a challenge of the other, and an end that is still to come', async () => {
    await stock(2)
    for (const [asked, claimed] of [
      [fast, slow],
      [slow, fast],
    ] as const) {
      const { nonce: _, ...proof } = await signFor(asked, newWallet())
      const expiresAt = new Date(Date.now() + 120_000).toISOString()
      const answer = await claimed.call('POST', '/api/pool/claim', { body: { ...proof, expiresAt } })
      expect(answer.body).toMatchObject({ status: 'done' })
      expect(await statusOf(database.db, String(answer.body['instanceId']))).toBe('claimed')
    }
  })

  test('keep the stock, though the one that looks at the fleet is five minutes ahead of every probe', async () => {
    expect((await slow.call('PATCH', '/api/pool/settings', { body: { minIdle: 2 } })).status).toBe(200)
    const filled = () => eventually('the stock', async () => (await countRows(database.db, 'ready')) >= 2)
    await filled()
    for (const replica of both()) expect((await replica.call('POST', '/api/pool/claim')).status).toBe(200)
    await filled()
    const { rowCount } = await database.db.query(`select 1 from instances where status not in ('ready', 'claimed')`)
    expect(rowCount).toBe(0)
  })
})
