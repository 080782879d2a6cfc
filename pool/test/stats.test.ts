import type { Database } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Stats, STATS_WINDOWS } from '../src/contract/index.ts'
import { recordCounts, recordGauges } from '../src/db/stats.ts'
import { LIMITS } from '../src/limits.ts'
import { newInstanceId } from '../src/naming.ts'
import { statsOf } from '../src/watch/stats.ts'
import { seedReady, seedRows, testDatabase, testPool, unaudited } from './harness.ts'

const HOW = { recountMs: LIMITS.statsRecountMs, fillMs: LIMITS.statsFillMs, hitMs: LIMITS.hitWithinMs }
let database: Awaited<ReturnType<typeof testDatabase>>
let db: Database

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
})
afterEach(() => database[Symbol.asyncDispose]())

/** The beginning of the minute `minutes` ago; what happens then stays in it, however late the test is. */
async function minuteAgo(minutes: number): Promise<Date> {
  const { rows } = await db.query<{ at: Date }>({
    text: `select date_trunc('minute', clock_now()) - $1 * interval '1 minute' as at`,
    values: [minutes],
  })
  return rows[0]?.at ?? new Date(0)
}

/** A claim that ended 10 s into that minute, after so many ms, `waitedMs` of them in the queue. */
async function claimEnded(p: { minute: Date; state: string; code?: string; tookMs?: number; waitedMs?: number }): Promise<void> {
  const finished = new Date(p.minute.getTime() + 10_000)
  const created = new Date(finished.getTime() - (p.tookMs ?? 0))
  await unaudited(
    db,
    `
      insert into claims (id, principal, body_hmac, mode, agent_name, state, instance_id, error, wait_until, lease_until, created_at,
        reserved_at, configured_at, finished_at)
      values ($1, 'p', $1, 'create', 'A', $2, 'box', $3, $4, $4, $4, $4::timestamptz + $6 * interval '1 ms', $5, $5)`,
    [crypto.randomUUID(), p.state, p.code ? { status: 503, code: p.code, detail: '' } : null, created, finished, p.waitedMs ?? 0],
  )
}

async function happened(instanceId: string, type: string, at: Date, from: string | null, to: string): Promise<void> {
  await db.query({
    values: [instanceId, type, at, from, to],
    text: `
      insert into instance_events (instance_id, type, at, from_status, to_status, actor) values ($1, $2, $3, $4, $5, 'pool')`,
  })
}

const rowAt = async (minute: Date) => {
  const { rows } = await db.query<Record<string, number | null>>({
    text: 'select * from stats_minutes where minute = $1',
    values: [minute],
  })
  return rows[0]
}
const after = (at: Date, ms: number) => new Date(at.getTime() + ms)

describe('a minute', () => {
  test('is counted from the claims that ended in it: an empty pool apart, and those that did not wait as a part', async () => {
    const minute = await minuteAgo(2)
    for (const tookMs of [100, 200, 300]) await claimEnded({ minute, state: 'done', tookMs })
    await claimEnded({ minute, state: 'ended', tookMs: 5_000, waitedMs: 4_000 })
    await claimEnded({ minute, state: 'failed', code: 'POOL_EMPTY' })
    await claimEnded({ minute, state: 'failed', code: 'CLAIM_FAILED' })
    await claimEnded({ minute, state: 'cancelled' })
    await recordCounts(db, HOW)
    expect(await rowAt(minute)).toMatchObject({
      claims_done: 4,
      claims_hit: 3,
      claims_empty: 1,
      claims_failed: 1,
      claims_cancelled: 1,
      claim_p50_ms: 250,
      ready: null,
    })
    expect((await rowAt(minute))?.['claim_p95_ms']).toBeCloseTo(300 + 0.85 * 4_700)
    expect((await rowAt(minute))?.['claim_p99_ms']).toBeCloseTo(300 + 0.97 * 4_700)
  })

  test('is counted from what became of creations; the warm-up runs from when it began to start', async () => {
    const minute = await minuteAgo(2)
    const [a, b] = [newInstanceId(), newInstanceId()]
    await happened(a, 'created', minute, null, 'starting')
    await happened(a, 'ready', after(minute, 20_000), 'starting', 'ready')
    await happened(b, 'created', minute, null, 'starting')
    await happened(b, 'creation_failed', after(minute, 30_000), 'starting', 'stuck')
    // answers again: that is no creation
    await happened(b, 'ready', after(minute, 40_000), 'stuck', 'ready')
    await recordCounts(db, HOW)
    expect(await rowAt(minute)).toMatchObject({ created: 2, became_ready: 1, creation_failed: 1, warm_up_ms: 20_000 })
  })

  test('is the same however often, and by however many at once, it is counted', async () => {
    const minute = await minuteAgo(3)
    await claimEnded({ minute, state: 'done', tookMs: 100 })
    await Promise.all([recordCounts(db, HOW), recordCounts(db, HOW), recordCounts(db, HOW)])
    await recordCounts(db, HOW)
    expect(await rowAt(minute)).toMatchObject({ claims_done: 1 })
  })

  test('is counted again while it is young: what was committed late is not lost', async () => {
    const minute = await minuteAgo(3)
    await recordCounts(db, HOW)
    await claimEnded({ minute, state: 'done', tookMs: 100 })
    await recordCounts(db, HOW)
    expect(await rowAt(minute)).toMatchObject({ claims_done: 1 })
  })

  test('in which nobody looked is counted when somebody looks again', async () => {
    await recordCounts(db, HOW)
    const before = await minuteAgo(1)
    await claimEnded({ minute: after(before, 30 * 60_000), state: 'done', tookMs: 100 })
    await database.moveClock(2 * 3_600_000)
    await eventually('the database to be back', () => recordCounts(db, HOW).then(() => true))
    expect(await rowAt(after(before, 30 * 60_000))).toMatchObject({ claims_done: 1, ready: null })
    const { rows } = await db.query<{ n: number }>({
      text: 'select count(*)::int as n from stats_minutes where minute >= $1 and claims_done is not null',
      values: [before],
    })
    expect(rows[0]?.n).toBeGreaterThanOrEqual(120)
  })

  test('keeps what it looked like at first', async () => {
    await seedRows(db, [newInstanceId(), newInstanceId()])
    await seedRows(db, [newInstanceId()], 'starting')
    await recordGauges(db)
    await seedRows(db, [newInstanceId()])
    await recordGauges(db)
    const { rows } = await db.query({
      text: 'select target, ready, starting, claimed, queue_depth, claims_done from stats_minutes order by minute limit 1',
    })
    expect(rows[0]).toEqual({ target: 3, ready: 2, starting: 1, claimed: 0, queue_depth: 0, claims_done: null })
  })

  test('that was looked at and is counted later is one row', async () => {
    await recordGauges(db)
    await database.moveClock(120_000)
    await eventually('the database to be back', () => recordCounts(db, HOW).then(() => true))
    const { rows } = await db.query({ text: 'select target, claims_done from stats_minutes where target is not null' })
    expect(rows).toEqual([{ target: 3, claims_done: 0 }])
  })
})

describe('the series', () => {
  test.each(STATS_WINDOWS)('of %s has at most 300 steps, evenly spaced, up to now', async (window) => {
    await recordGauges(db)
    const { points, stepSeconds } = Stats.parse(await statsOf({ db }, window))
    expect(points.length).toBeLessThanOrEqual(300)
    const times = points.map(({ at }) => Date.parse(at))
    expect(new Set(times.slice(1).map((at, n) => at - (times[n] ?? 0)))).toEqual(new Set([stepSeconds * 1000]))
    expect(points.at(-1)).toMatchObject({ target: 3, instances: { ready: 0, readyMin: 0 }, claims: null })
    expect(points[0]).toMatchObject({ target: null, instances: null, queue: null, claims: null, creations: null })
  })

  test('adds up counts, averages gauges and keeps the worst', async () => {
    await db.query({
      text: `
        insert into stats_minutes (minute, target, ready, starting, claimed, crashed, stuck, deleting, queue_depth, queue_oldest_ms,
          claims_done, claims_failed, claims_cancelled, claims_empty, claims_hit, claim_p50_ms, claim_p95_ms, claim_p99_ms, created, became_ready,
          creation_failed, warm_up_ms)
        select date_bin('5 minutes', clock_now(), '2000-01-01 00:00Z') - interval '1 hour' + n * interval '1 minute',
          3, n, 1, 2, 0, 0, 0, n, n * 1000, case n when 0 then 3 else 1 end, 0, 0, n, 1, 100 * (n + 1), 1000 * (n + 1), 2000 * (n + 1), 1, n, 0,
          case when n > 0 then 60000 end
        from generate_series(0, 2) as n`,
    })
    const { points } = await statsOf({ db }, '24h')
    expect(points.filter((point) => point.claims)).toEqual([
      {
        at: expect.any(String),
        target: 3,
        instances: { ready: 1, readyMin: 0, starting: 1, claimed: 2, crashed: 0, stuck: 0, deleting: 0 },
        queue: { depth: 2, oldestMs: 2_000 },
        // 3 × 100, 200, 300
        claims: { done: 5, failed: 0, cancelled: 0, empty: 3, hit: 3, p50Ms: 160, p95Ms: 3_000, p99Ms: 6_000 },
        creations: { created: 3, ready: 3, failed: 0, warmUpMs: 60_000 },
      },
    ])
  })

  test('is there for operators, with what happens to the pool', async () => {
    const pool = scoped(await testPool({ limits: { statsEveryMs: 50 } }))
    await seedReady(pool, 1)
    expect((await pool.claim()).status).toBe(200)
    await eventually('the minute to be looked at', async () => {
      const { points } = Stats.parse((await pool.call('GET', '/api/pool/stats?window=1h')).body)
      return points.some((point) => point.instances !== null)
    })
    await pool.database.moveClock(120_000)
    const claims = await eventually('the claim to be counted', async () => {
      const { points } = Stats.parse((await pool.call('GET', '/api/pool/stats?window=1h')).body)
      return points.find((point) => point.claims?.done)?.claims
    })
    expect(claims).toMatchObject({ done: 1, hit: 1, empty: 0 })
    expect((await pool.call('GET', '/api/pool/stats?window=1y')).status).toBe(400)
  })
})
