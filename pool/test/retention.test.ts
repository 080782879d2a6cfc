import { connectDatabase, createLogger, type Database } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { insertOperation } from '../src/db/operations.ts'
import { pruneEvents, pruneSessions } from '../src/db/retention.ts'
import { LIMITS } from '../src/limits.ts'
import { newInstanceId } from '../src/naming.ts'
import { prune } from '../src/watch/retention.ts'
import { seedRows, testDatabase, testPool, unaudited } from './harness.ts'

const DAY = 86_400_000
const log = createLogger('test', 'silent')
let database: Awaited<ReturnType<typeof testDatabase>>
let db: Database

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
})
afterEach(() => database[Symbol.asyncDispose]())

const pass = (limits = {}) => prune({ db, log, limits: { ...LIMITS, ...limits } }, new AbortController().signal)
async function later(ms: number): Promise<void> {
  await database.moveClock(ms)
  await eventually('the database to be back', async () => (await db.query({ text: 'select 1' })).rowCount === 1)
}
const count = async (table: string) =>
  (await db.query<{ n: number }>({ text: `select count(*)::int as n from ${table}` })).rows[0]?.n

const insertEvents = (n: number, instanceId: string | null = null) =>
  db.query({
    text: `insert into instance_events (instance_id, type, actor) select $2, 'x', 'pool' from generate_series(1, $1)`,
    values: [n, instanceId],
  })
async function insertClaim(state: string, instanceId: string | null = null): Promise<string> {
  const id = crypto.randomUUID()
  await unaudited(
    db,
    `
      insert into claims (id, principal, body_hmac, mode, agent_name, state, instance_id, wait_until, lease_until, finished_at)
      values ($1, 'p', $1, 'create', 'A', $2, $3, clock_now(), clock_now(),
        case when $2 in ('done', 'ended', 'failed', 'cancelled') then clock_now() end)`,
    [id, state, instanceId],
  )
  return id
}
const claims = async () => (await db.query<{ id: string }>({ text: 'select id from claims order by seq' })).rows.map((c) => c.id)
const operation = (id: string, kind: string, items: { instanceId: string; begun: boolean }[]) =>
  db.query({
    values: [id, kind, items.map((i) => i.instanceId), items.map((i) => i.begun)],
    text: `
      with made as (insert into operations (id, kind, actor) values ($1, $2, 'o'))
      insert into operation_items (operation_id, seq, instance_id, begun_at)
      select $1, n, item, case when begun then clock_now() end from unnest($3::text[], $4::bool[]) with ordinality as i(item, begun, n)`,
  })

describe('what is kept for how long', () => {
  test('events 90 days', async () => {
    await insertEvents(3)
    await later(89 * DAY)
    await pass()
    expect(await count('instance_events')).toBe(3)
    await insertEvents(1)
    await later(2 * DAY)
    await pass()
    expect(await count('instance_events')).toBe(1)
  })

  test('claims that came to nothing 30 days; those under way and those of living agents for ever', async () => {
    const [agent, box, dirty] = [newInstanceId(), newInstanceId(), newInstanceId()]
    const kept = [await insertClaim('done', agent), await insertClaim('pending', box), await insertClaim('queued')]
    const tainted = await insertClaim('failed')
    for (const state of ['failed', 'cancelled', 'ended']) await insertClaim(state, state === 'ended' ? newInstanceId() : null)
    await insertClaim('done', newInstanceId())
    await seedRows(db, [agent, box, dirty], 'stuck')
    // nobody may say any more that no claim counts on it
    await db.query({ text: 'update instances set claim_id = $2 where id = $1', values: [dirty, tainted] })
    await later(29 * DAY)
    await pass()
    expect(await count('claims')).toBe(8)
    await later(2 * DAY)
    await pass()
    expect(await claims()).toEqual([...kept, tainted])
  })

  test('a claim is kept for 30 days after its agent went, however long that had lived', async () => {
    const agent = newInstanceId()
    await insertClaim('ended', agent)
    await later(60 * DAY)
    await insertEvents(1, agent)
    await later(29 * DAY)
    await pass()
    expect(await count('claims')).toBe(1)
    await later(2 * DAY)
    await pass()
    expect(await count('claims')).toBe(0)
  })

  test('operations 7 days, unless something of them is under way', async () => {
    const [going, starting, ready, agent] = [newInstanceId(), newInstanceId(), newInstanceId(), newInstanceId()]
    await seedRows(db, [agent], 'crashed')
    await seedRows(db, [going], 'deleting')
    await seedRows(db, [starting], 'starting')
    await seedRows(db, [ready])
    await operation('drained', 'drain', [{ instanceId: newInstanceId(), begun: true }])
    await operation('draining', 'drain', [{ instanceId: going, begun: true }])
    await operation('waiting', 'drain', [{ instanceId: newInstanceId(), begun: false }])
    await operation('filled', 'replenish', [{ instanceId: ready, begun: true }])
    await operation('filling', 'replenish', [{ instanceId: starting, begun: true }])
    await operation('rolled', 'rollout', [{ instanceId: agent, begun: true }])
    await operation('rolling', 'rollout', [{ instanceId: going, begun: true }])
    const synced = { kind: 'sync', actor: 'o', requestId: null, items: [{ instanceId: agent, work: true }] } as const
    await insertOperation(db, { id: 'synced', ...synced })
    await insertOperation(db, { id: 'syncing', ...synced })
    await db.query({ text: `update operation_items set done_at = clock_now() where operation_id = 'synced'` })
    await later(6 * DAY)
    await pass()
    expect(await count('operations')).toBe(9)
    await later(2 * DAY)
    await pass()
    const { rows } = await db.query<{ id: string }>({ text: 'select id from operations order by id' })
    expect(rows.map((row) => row.id)).toEqual(['draining', 'filling', 'rolling', 'syncing', 'waiting'])
    expect(await count('operation_items')).toBe(5)
  })

  test('minutes 90 days, alerts 30 days after their end, sessions, codes and counters until their time is over', async () => {
    await db.query({ text: `insert into stats_minutes (minute) values (clock_now())` })
    await db.query({
      text: `
        insert into alerts (code, state, detail, resolved_at)
        values ('A', 'resolved', '', clock_now()), ('B', 'firing', '', null), ('C', 'pending', '', null)`,
    })
    for (const [table, hash] of [
      ['sessions', 'token_hash'],
      ['login_codes', 'code_hash'],
    ])
      await db.query({
        text: `
          insert into ${table} (${hash}, principal, role, key_hash, expires_at)
          values ('a', 'p', 'operator', 'k', clock_now() + interval '1 hour'), ('b', 'p', 'operator', 'k', clock_now() + interval '40 days')`,
      })
    await db.query({
      text: `
        insert into rate_limits (key, expire) values ('over', extract(epoch from clock_now()) * 1000),
          ('open', extract(epoch from clock_now() + interval '40 days') * 1000), ('for ever', null)`,
    })
    const left = async () => Promise.all(['stats_minutes', 'alerts', 'sessions', 'login_codes', 'rate_limits'].map(count))
    await pass()
    expect(await left()).toEqual([1, 3, 2, 2, 3])
    await later(31 * DAY)
    await pass()
    expect(await left()).toEqual([1, 2, 1, 1, 2])
    await later(60 * DAY)
    await pass()
    expect(await left()).toEqual([0, 2, 0, 0, 1])
  })
})

describe('a pass', () => {
  test('is bounded: what is left is the next one’s', async () => {
    await insertEvents(10)
    await later(91 * DAY)
    await pass({ retentionBatch: 2, retentionBatches: 3 })
    expect(await count('instance_events')).toBe(4)
    await pass({ retentionBatch: 2, retentionBatches: 3 })
    expect(await count('instance_events')).toBe(0)
  })

  test('tells how far the log was pruned', async () => {
    expect(await pruneEvents(db, { days: 90, limit: 10 })).toBe(0)
    for (let n = 0; n < 3; n++) await insertEvents(1)
    const { rows } = await db.query<{ xid: string }>({ text: 'select xid::text as xid from instance_events order by xid' })
    await later(91 * DAY)
    await insertEvents(1)
    expect(await pruneEvents(db, { days: 90, limit: 10 })).toBe(3)
    const told = await db.query<{ to: string }>({ text: 'select feed_pruned_to::text as to from settings' })
    expect(BigInt(told.rows[0]?.to ?? 0)).toBe(BigInt(rows[2]?.xid ?? 0) + 1n)
  })

  test('leaves alone what another one is deleting, and does not wait for it', async () => {
    await db.query({
      text: `insert into sessions (token_hash, principal, role, key_hash, expires_at) values ('a', 'p', 'operator', 'k', clock_now())`,
    })
    const tx = await db.connect()
    await tx.query('begin')
    expect(await pruneSessions(tx, { limit: 10 })).toBe(1)
    expect(await pruneSessions(db, { limit: 10 })).toBe(0)
    await tx.query('commit')
    tx.release()
  })

  test('that fails for one kind goes on with the others', async () => {
    await insertEvents(1)
    await later(91 * DAY)
    await db.query({ text: 'alter table claims rename to claims_elsewhere' })
    await db.query({ text: `insert into stats_minutes (minute) values (clock_now() - interval '91 days')` })
    await pass()
    expect([await count('instance_events'), await count('stats_minutes')]).toEqual([0, 0])
  })

  test('is made as soon as a replica begins to tick', async () => {
    const pool = scoped(await testPool())
    await pool.stop()
    const direct = connectDatabase({ url: pool.database.url, log })
    await direct.query({ text: `insert into stats_minutes (minute) values (clock_now() - interval '91 days')` })
    await direct.end()
    const next = scoped(await pool.replica())
    await eventually('it to prune', async () => {
      const { rows } = await next.db.query({
        text: `select 1 from stats_minutes where minute < clock_now() - interval '90 days'`,
      })
      return rows.length === 0
    })
  })
})
