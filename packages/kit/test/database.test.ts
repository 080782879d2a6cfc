import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createDatabase, eventually, scoped, temporaryFolder, type TestDatabase } from '@convos/sandbox/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import {
  acquireLease,
  connectDatabase,
  createLogger,
  type Database,
  migrate,
  releaseLease,
  withTransaction,
  runMigration,
  UnusableEnv,
} from '../src/index.ts'
import { keptTerminal } from './terminal.ts'

const log = createLogger('test', 'silent')
let database: TestDatabase
let db: Database

beforeAll(async () => {
  const empty = temporaryFolder('migrations')
  database = await createDatabase(inject('postgresUrl'), {
    template: 'kit',
    migrate: (url) => migrate({ url, folder: empty.path, environment: 'dev' }),
  })
  empty[Symbol.dispose]()
  db = connectDatabase({ url: database.url, log })
})
afterAll(async () => {
  await db.end()
  await database.drop()
})

describe('migrations', () => {
  test('each file runs once, and a repeat changes nothing', async () => {
    const folder = scoped(temporaryFolder('migrations')).path
    await writeFile(join(folder, '0001_things.sql'), 'create table things (id int)')
    const first = await migrate({ url: database.url, folder, environment: 'dev' })
    const second = await migrate({ url: database.url, folder, environment: 'dev' })
    expect(first.applied).toEqual(['0001_things.sql'])
    expect(second).toEqual({ applied: [], meta: first.meta })
  })

  test('a failing file leaves nothing of itself behind', async () => {
    const folder = scoped(temporaryFolder('migrations')).path
    await writeFile(join(folder, '0002_broken.sql'), 'create table half (id int); select nonsense')
    await expect(migrate({ url: database.url, folder, environment: 'dev' })).rejects.toThrow('0002_broken.sql failed')
    const { rows } = await db.query(`select to_regclass('half') as half`)
    expect(rows).toEqual([{ half: null }])
  })

  test('a file changed after it ran is refused', async () => {
    const folder = scoped(temporaryFolder('migrations')).path
    await writeFile(join(folder, '0003_stable.sql'), 'select 1')
    await migrate({ url: database.url, folder, environment: 'dev' })
    await writeFile(join(folder, '0003_stable.sql'), 'select 2')
    await expect(migrate({ url: database.url, folder, environment: 'dev' })).rejects.toThrow('was changed')
  })

  test('a database of another environment is refused', async () => {
    await expect(
      migrate({ url: database.url, folder: scoped(temporaryFolder('migrations')).path, environment: 'production' }),
    ).rejects.toThrow('belongs to environment "dev"')
  })
})

describe('the program that migrates', () => {
  async function run(migrateWith: () => Promise<{ applied: string[] }>, ...argv: string[]) {
    const { said, terminal } = keptTerminal()
    return { code: await runMigration(argv, terminal, { service: 'pool', migrate: migrateWith }), ...said }
  }

  test('says what it did', async () => {
    const folder = scoped(temporaryFolder('migrations')).path
    const work = () => migrate({ url: database.url, folder, environment: 'dev' })
    expect(await run(work)).toEqual({ code: 0, out: 'up to date', err: '' })
    expect(await run(() => Promise.resolve({ applied: ['0001_a.sql', '0002_b.sql'] }))).toMatchObject({
      out: 'applied 0001_a.sql, 0002_b.sql',
    })
  })

  test('says in words why it cannot, and nothing of its own inside', async () => {
    const refused = (work: () => Promise<never>) => run(work).then(({ code, out, err }) => [code, out, err])
    const unset = { name: 'DATABASE_URL', message: 'is required' }
    expect(await refused(() => Promise.reject(new UnusableEnv([unset])))).toEqual([
      1,
      '',
      'The environment is not usable:\n  DATABASE_URL: is required',
    ])
    const cause = new Error('relation "x" does not exist')
    expect(await refused(() => Promise.reject(new Error('migration 0002_b.sql failed', { cause })))).toEqual([
      1,
      '',
      'migration 0002_b.sql failed: relation "x" does not exist',
    ])
  })

  test('is asked for help without anything being done', async () => {
    const { code, out } = await run(() => Promise.reject(new Error('it was run')), '--help')
    expect([code, out]).toEqual([0, expect.stringMatching('usage: db:migrate')])
  })
})

describe('leases', () => {
  test('one holder at a time; it may renew, others wait for its end or its release', async () => {
    const take = (holder: string) => acquireLease(db, { name: 'tick', holder, ms: 1000 })
    expect([await take('a'), await take('b'), await take('a')]).toEqual([true, false, true])
    await releaseLease(db, { name: 'tick', holder: 'b' })
    expect(await take('b')).toBe(false)
    await releaseLease(db, { name: 'tick', holder: 'a' })
    expect(await take('b')).toBe(true)
    await database.moveClock(1001)
    // that cut every connection, and one that is not known to be dead yet may be tried first
    await eventually('the lease to have run out', () => take('a'))
  })
})

test('a failed transaction is rolled back and its connection is usable again', async () => {
  await db.query('create table numbers (n int)')
  const failing = withTransaction(db, async (tx) => {
    await tx.query('insert into numbers values (1)')
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect((await db.query('select n from numbers')).rows).toEqual([])
})

test('a connection cut in the middle of a transaction fails that transaction, and nothing else', async () => {
  const cut = withTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    // waits until the backend has ended; the news of it reaches us while nobody reads from the connection
    await db.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid])
    await new Promise((resolve) => setImmediate(resolve))
    await tx.query('select 1')
  })
  await expect(cut).rejects.toThrow()
  expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('who stands still in the middle of a transaction loses it: nobody waits for their locks for longer', async () => {
  const shown = (on: Pick<Database, 'query'>) =>
    on.query<{ idle: string }>({ text: `select current_setting('idle_in_transaction_session_timeout') as idle` })
  const inside = await withTransaction(db, async (tx) => (await shown(tx)).rows)
  expect(inside).toEqual([{ idle: '30s' }])
  const hung = withTransaction(db, async (tx) => {
    await tx.query(`set local idle_in_transaction_session_timeout = '50ms'`)
    await new Promise((resolve) => tx.once('error', resolve))
    await tx.query('select 1')
  })
  await expect(hung).rejects.toThrow()
  expect((await shown(db)).rows).toEqual([{ idle: '0' }])
})

/** The way to the database, which can fall silent: nothing is closed, and nothing comes through any more. */
async function silencable(url: string) {
  const { host, port, user = '', password, database: name = '' } = new pg.Client({ connectionString: url })
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) open.add(socket.on('error', () => {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const way = new URL(`postgresql://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`)
  Object.assign(way, { username: user, password: typeof password === 'string' ? password : '' })
  return {
    url: way.href,
    silence() {
      for (const socket of open) socket.unpipe().pause()
    },
    [Symbol.dispose]() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

test('what a silent connection was asked fails in time, in a transaction or not, and the next one serves', async () => {
  const way = scoped(await silencable(database.url))
  const far = connectDatabase({ url: way.url, log, max: 1, queryTimeoutMs: 100 })
  onTestFinished(() => far.end())
  const one = () => far.query<{ one: number }>('select 1 as one')
  await one()
  way.silence()
  await expect(one()).rejects.toThrow('timeout')
  expect((await one()).rows).toEqual([{ one: 1 }])
  const cut = withTransaction(far, async (tx) => {
    way.silence()
    await tx.query('select 1')
  })
  await expect(cut).rejects.toThrow('timeout')
  expect((await one()).rows).toEqual([{ one: 1 }])
})
