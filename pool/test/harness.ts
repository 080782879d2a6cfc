import { connectDatabase, createLogger, type Database, listen, type Logger, type Queryable, withTransaction } from '@convos/kit'
import { createDatabase, eventually, type TestDatabase } from '@convos/sandbox/testing'
import { pino } from 'pino'
import { inject } from 'vitest'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { type Context, createContext } from '../src/context.ts'
import { migratePool } from '../src/db/migrate.ts'
import { type Reservation, type ReservationTerms, reserve } from '../src/db/reserve.ts'
import { LIMITS, type Limits } from '../src/limits.ts'
import { newInstanceId } from '../src/naming.ts'
import { type Parts, startParts } from '../src/parts.ts'
import { AUDIT } from './audit.ts'
import { type FakeServices, imageOf, startFakeServices } from './fake-services.ts'

export const PUBLIC_URL = 'http://localhost:3001'
const silent = createLogger('test', 'silent')

/** A migrated database of its own, dropped at the end. */
export async function testDatabase(): Promise<TestDatabase & { db: Database } & AsyncDisposable> {
  const database = await createDatabase(inject('postgresUrl'), {
    template: 'pool',
    async migrate(url) {
      await migratePool({ environment: 'dev', database: { url, directUrl: url, prepared: true } })
      const db = connectDatabase({ url, log: silent })
      await db.query(AUDIT)
      await db.end()
    },
  })
  const db = connectDatabase({ url: database.url, log: silent })
  return {
    ...database,
    db,
    async [Symbol.asyncDispose]() {
      await db.end()
      await database.drop()
    },
  }
}

export interface TestPool extends AsyncDisposable {
  url: string
  key: string
  ctx: Context
  parts: Parts
  db: Database
  services: FakeServices
  database: TestDatabase
  /** Every log line so far. */
  logged: string[]
  /** A call with the pool key; `key: null` calls without. */
  call(method: string, path: string, p?: CallOptions): Promise<Answer>
  claim(body?: Record<string, unknown>, p?: CallOptions): Promise<Answer>
  /** Another replica on the same database and services. */
  replica(): Promise<TestPool>
  /** Ends this process's part without its goodbyes: its running claims stay as they are. */
  stop(): Promise<void>
}

interface CallOptions {
  body?: unknown
  key?: string | null
  headers?: Record<string, string>
  signal?: AbortSignal
}

export interface Answer {
  status: number
  headers: Headers
  // answers are looked into field by field
  body: Record<string, unknown>
  text: string
}

export interface PoolOptions {
  env?: Record<string, string>
  limits?: Partial<Limits>
  /** What the configured tag means at the start; nothing unless set. */
  image?: string
}

/** A pool that listens, on a database of its own and fake services; nothing is warmed unless POOL_MIN_IDLE says so. */
export async function testPool(options: PoolOptions = {}): Promise<TestPool> {
  const database = await testDatabase()
  const services = await startFakeServices()
  services.image = options.image ?? null
  const key = `pool-key-${crypto.randomUUID()}`
  return startReplica({ database, services, key, options, owner: true })
}

async function startReplica(p: {
  database: Awaited<ReturnType<typeof testDatabase>>
  services: FakeServices
  key: string
  options: PoolOptions
  owner: boolean
}): Promise<TestPool> {
  const { database, services, key, options } = p
  const logged: string[] = []
  const log: Logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: database.url,
    POOL_ENVIRONMENT: 'dev',
    POOL_API_KEY: key,
    POOL_PUBLIC_URL: PUBLIC_URL,
    POOL_MIN_IDLE: '0',
    SERVICES_URL: services.url,
    SERVICES_API_KEY: services.apiKey,
    ...options.env,
  })
  const db = connectDatabase({ url: database.url, log })
  const limits = { ...LIMITS, readyPollMs: 200, removeAfterMs: 0, changesWaitMs: 1_000, ...options.limits }
  const ctx = await createContext({ config, log, db, limits })
  const parts = startParts(ctx)
  const listening = await listen(createApp(ctx, parts), 0, '127.0.0.1')
  const url = `http://127.0.0.1:${listening.port}`
  let stopped: Promise<void> | null = null
  const stop = async () => {
    await parts.stop()
    await listening.close(100)
    await db.end()
  }

  const pool: TestPool = {
    url,
    key,
    ctx,
    parts,
    db,
    services,
    database,
    logged,
    async call(method, path, { body, key: given = key, headers = {}, signal } = {}) {
      const res = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(given === null ? {} : { authorization: `Bearer ${given}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      })
      const text = await res.text()
      const isJson = /[/+]json/.test(res.headers.get('content-type') ?? '')
      return { status: res.status, headers: res.headers, text, body: isJson ? (JSON.parse(text) as Answer['body']) : {} }
    },
    claim: (body = {}, o = {}) => pool.call('POST', '/api/pool/claim', { ...o, body }),
    replica: () => startReplica({ ...p, owner: false }),
    stop: () => (stopped ??= stop()),
    async [Symbol.asyncDispose]() {
      await pool.stop()
      if (!p.owner) return
      await services.close()
      await database[Symbol.asyncDispose]()
    },
  }
  return pool
}

/** Makes an image the wanted one, and as trusted as if an instance on it had become ready. */
export async function trustImage({ db, services }: Pick<TestPool, 'db' | 'services'>, image = imageOf(1)): Promise<void> {
  services.image = image
  await db.query({
    values: [image],
    text: `
      insert into images (image, trusted_at, last_ready_at) values ($1, clock_now(), clock_now())
      on conflict (image) do update set trusted_at = clock_now(), last_ready_at = clock_now()`,
  })
  await db.query({ values: [image], text: 'update settings set wanted_image = $1' })
}

/** Moves the database's clock, and that of services with it. */
export async function advance({ db, database, services }: TestPool, ms: number): Promise<void> {
  services.clockOffsetMs += ms
  await database.moveClock(ms)
  // that cut every connection: until each one kept is a new one, a call may still meet a dead one
  await eventually('new connections', () =>
    Promise.all(Array.from({ length: db.totalCount }, () => db.query({ text: 'select 1' }))).then(
      () => true,
      () => false,
    ),
  )
}

/** Ready instances, oldest first, that services knows as healthy and clean. */
export async function seedReady(pool: Pick<TestPool, 'db' | 'services'>, n: number): Promise<string[]> {
  const ids = Array.from({ length: n }, newInstanceId)
  for (const id of ids) await pool.services.onCreate(id)
  await seedRows(pool.db, ids)
  return ids
}

export async function seedRows(db: Database, ids: readonly string[], status = 'ready'): Promise<void> {
  await unaudited(
    db,
    `insert into instances (id, status, created_at, ready_at)
      select id, $2, clock_now() - interval '1 hour' + n * interval '1 s', clock_now()
      from unnest($1::text[]) with ordinality as seeded(id, n)`,
    [ids, status],
  )
}

/** Writes what a test wants the world to be like: no event tells of it, and it need not be a move that pool would make. */
export const unaudited = (db: Database, text: string, values: unknown[] = []): Promise<void> =>
  withTransaction(db, async (tx) => {
    await tx.query('set local convos.unaudited = on')
    await tx.query({ text, values })
  })

/** Pairs the first claim with the best instance, and nothing else; null when either is missing. */
export async function reserveNext(db: Queryable, terms: ReservationTerms): Promise<Reservation | null> {
  const { reserved, more } = await reserve(db, { ...terms, limit: 1 })
  return reserved[0] ?? (more ? reserveNext(db, terms) : null)
}

export async function statusOf(db: Database, id: string): Promise<string | null> {
  const { rows } = await db.query<{ status: string }>({ text: 'select status from instances where id = $1', values: [id] })
  return rows[0]?.status ?? null
}

export async function countRows(db: Database, status: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>({
    text: 'select count(*)::int as n from instances where status = $1',
    values: [status],
  })
  return rows[0]?.n ?? 0
}

/** Waits until `atLeast` sessions of this database wait for a lock with a statement that contains `part`: the barrier of forced races. */
export const waitForLock = (pool: { db: Database }, part: string, atLeast = 1) =>
  eventually(`${atLeast} × "${part}" to wait for a lock`, async () => {
    const { rows } = await pool.db.query<{ n: number }>({
      text: `
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0`,
      values: [part],
    })
    return (rows[0]?.n ?? 0) >= atLeast
  })
