import type { ServerResponse } from 'node:http'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { Alerts } from '../src/contract/index.ts'
import { fireAlerts, seeAlerts } from '../src/db/alerts.ts'
import type { Limits } from '../src/limits.ts'
import { evaluateAlerts, tellAlerts } from '../src/watch/alerts.ts'
import { imageOf } from './fake-services.ts'
import { countRows, PUBLIC_URL, testPool, type TestPool, trustImage, waitForLock } from './harness.ts'
import { webhook } from './webhook.ts'

/** Nothing is looked at unless the test does, and what is seen twice in a row fires. */
const BY_HAND = { alertEveryMs: 3_600_000, alertHoldMs: 10_000, providersKeptMs: 0 }

async function cappedPool(url: string | null, limits: Partial<Limits> = {}): Promise<TestPool> {
  const env = { POOL_MIN_IDLE: '2', POOL_MAX_TOTAL: '2', ...(url === null ? {} : { ALERT_WEBHOOK_URL: url }) }
  const pool = scoped(await testPool({ env, limits: { ...BY_HAND, ...limits } }))
  await eventually('it to be full', async () => (await countRows(pool.db, 'ready')) === 2)
  await wantMore(pool)
  return pool
}

/** One more than the cap allows. */
const want = (pool: TestPool, minIdle: number) => pool.db.query({ values: [minIdle], text: 'update settings set min_idle = $1' })
const wantMore = (pool: TestPool) => want(pool, 3)
const wantLess = (pool: TestPool) => want(pool, 2)

async function later(pool: TestPool, ms: number): Promise<void> {
  await pool.database.moveClock(ms)
  await eventually('the database to be back', async () => (await pool.call('GET', '/api/pool/alerts')).status === 200)
}
const alertsOf = async (pool: TestPool) => Alerts.parse((await pool.call('GET', '/api/pool/alerts')).body)
const firing = async (pool: TestPool) => (await alertsOf(pool)).firing.map(({ code }) => code)
const logged = (pool: TestPool, part: string) => pool.logged.filter((line) => line.includes(part)).length

/** Looks at it again, as long as connections that a move of the clock has cut make it fail. */
const look = (pool: TestPool) => eventually('a look', () => evaluateAlerts(pool.ctx).then(() => true))
const tell = (pool: TestPool) => eventually('a try to tell', () => tellAlerts(pool.ctx).then(() => true))

/** The cap keeps the stock below its target, and that has been seen for long enough. */
async function fire(pool: TestPool): Promise<void> {
  await look(pool)
  await later(pool, 11_000)
  await look(pool)
}

describe('an alert', () => {
  test('fires once it was seen twice, and is over as soon as it is not', async () => {
    const pool = await cappedPool(null)
    await look(pool)
    await look(pool)
    expect(await firing(pool)).toEqual([])
    await later(pool, 11_000)
    await look(pool)
    expect(await alertsOf(pool)).toMatchObject({ firing: [{ code: 'CAP_REACHED', resolvedAt: null }], resolved: [] })
    await wantLess(pool)
    await look(pool)
    expect(await alertsOf(pool)).toMatchObject({
      firing: [],
      resolved: [{ code: 'CAP_REACHED', resolvedAt: expect.any(String) }],
    })
  })

  test('that comes and goes is nobody’s business', async () => {
    const pool = await cappedPool(null)
    await look(pool)
    await wantLess(pool)
    await look(pool)
    await wantMore(pool)
    await later(pool, 11_000)
    await look(pool)
    expect(await alertsOf(pool)).toEqual({ firing: [], resolved: [] })
  })

  test('that was seen before nobody looked for a while begins anew', async () => {
    const pool = await cappedPool(null)
    await look(pool)
    await later(pool, 61_000)
    await look(pool)
    expect(await firing(pool)).toEqual([])
  })

  test('of an empty pool waits a minute', async () => {
    const pool = scoped(await testPool({ limits: BY_HAND }))
    await want(pool, 1)
    pool.services.onCreate = () => {}
    await look(pool)
    for (const [ms, codes] of [
      [30_000, []],
      [20_000, []],
      [11_000, ['POOL_EMPTY']],
    ] as const) {
      await later(pool, ms)
      await look(pool)
      expect((await firing(pool)).filter((code) => code === 'POOL_EMPTY')).toEqual(codes)
    }
    await want(pool, 0)
    await look(pool)
    expect(await firing(pool)).not.toContain('POOL_EMPTY')
  })

  test('is taken to fire by one replica only, where two see it at the same moment', async () => {
    const pool = await cappedPool(null)
    const other = scoped(await pool.replica())
    await seeAlerts(pool.db, { found: [{ code: 'TICK_LATE', detail: 'late' }], gapMs: 60_000 })
    const tx = await pool.db.connect()
    await tx.query('begin')
    await tx.query(`select 1 from alerts where code = 'TICK_LATE' for update`)
    const both = Promise.all([pool, other].map(({ db }) => fireAlerts(db, [{ code: 'TICK_LATE', holdMs: 0 }])))
    await waitForLock(pool, 'update alerts a set state', 2)
    await tx.query('commit')
    tx.release()
    expect((await both).flat()).toHaveLength(1)
  })

  test('about credit stays as it is while services cannot be asked, and its silence is another one', async () => {
    const pool = scoped(await testPool({ limits: { ...BY_HAND, changesWaitMs: 100 } }))
    pool.services.providers = [
      {
        provider: 'openrouter',
        configured: true,
        health: 'ok',
        requests: 1,
        refused: 0,
        failed: 0,
        budget: null,
        left: null,
        windowStartedAt: null,
        blockedUntil: null,
        lastOkAt: null,
        lastError: null,
        lastErrorAt: null,
        creditRemaining: 3,
        creditAt: null,
      },
    ]
    await fire(pool)
    expect(await firing(pool)).toEqual(['CREDIT_LOW'])
    await pool.services.close()
    await look(pool)
    expect(await firing(pool)).toEqual(['CREDIT_LOW'])
    // a replica that was never answered knows from the database since when
    Object.defineProperty(pool.ctx.services, 'answeredAgoMs', { value: Infinity })
    await later(pool, 125_000)
    await look(pool)
    await later(pool, 11_000)
    await look(pool)
    expect(await firing(pool)).toEqual(expect.arrayContaining(['CREDIT_LOW', 'SERVICES_UNREACHABLE']))
  })
})

describe('a notice', () => {
  test('goes out once when it fires and once when it is over, whoever looks, over a restart too', async () => {
    const hook = await webhook()
    const limits = { alertEveryMs: 50, alertHoldMs: 30 }
    const pool = await cappedPool(hook.url, limits)
    const other = scoped(await pool.replica())
    await wantMore(other)
    await eventually('the notice', () => hook.notices.length > 0)
    expect(hook.notices[0]).toEqual({
      code: 'CAP_REACHED',
      state: 'firing',
      detail: 'at most 2 instances are allowed, and 2 exist',
      since: expect.any(String),
      environment: 'dev',
      poolUrl: PUBLIC_URL,
    })
    await pool.stop()
    await eventually('the other to lead', () => other.parts.tick.leading)
    const { rows } = await other.db.query<{ seen: Date }>({ text: 'select clock_now() as seen' })
    await eventually('it to look', async () => {
      const looked = await other.db.query({ text: 'select 1 from alerts where seen_at > $1', values: [rows[0]?.seen] })
      return looked.rows.length === 1
    })
    await wantLess(other)
    await eventually('the other notice', () => hook.notices.length > 1)
    expect(hook.told()).toEqual(['CAP_REACHED firing', 'CAP_REACHED resolved'])
    expect(hook.notices[1]?.since).toBe(hook.notices[0]?.since)
    expect(logged(pool, 'alert: ') + logged(other, 'alert: ')).toBe(1)
  })

  test('is one replica’s to send while it is being sent', async () => {
    const hook = await webhook()
    const pool = await cappedPool(hook.url)
    const other = scoped(await pool.replica())
    await fire(pool)
    const open: ServerResponse[] = []
    hook.answer = (res) => void open.push(res)
    const sending = tell(pool)
    await eventually('it to be sent', () => open.length === 1)
    await tell(other)
    for (const res of open) res.writeHead(204).end()
    await sending
    await tell(other)
    expect(hook.told()).toEqual(['CAP_REACHED firing'])
  })

  test('that was not delivered is sent again; first that it fires, then that it is over', async () => {
    const hook = await webhook()
    const pool = await cappedPool(hook.url, { noticeLeaseMs: 0 })
    hook.answer = (res) => void res.writeHead(500).end()
    await fire(pool)
    await tell(pool)
    await tell(pool)
    await wantLess(pool)
    await look(pool)
    await tell(pool)
    hook.answer = (res) => void res.writeHead(200).end()
    await tell(pool)
    await tell(pool)
    await tell(pool)
    expect(hook.told()).toEqual([...Array.from({ length: 4 }, () => 'CAP_REACHED firing'), 'CAP_REACHED resolved'])
    // the address is all it takes to post there
    expect(logged(pool, 'could not be delivered')).toBe(3)
    expect(logged(pool, 'only-the-owner-knows')).toBe(0)
  })

  test('of a replica that died while it sent it is sent by another, after its time', async () => {
    const hook = await webhook()
    const pool = await cappedPool(hook.url)
    await fire(pool)
    // taken, and never heard of again
    await pool.db.query({ text: `update alerts set telling_until = clock_now() + interval '14 s' where state = 'firing'` })
    await tell(pool)
    expect(hook.told()).toEqual([])
    await later(pool, 15_000)
    await tell(pool)
    expect(hook.told()).toEqual(['CAP_REACHED firing'])
  })

  test('without a webhook is for nobody, and one that is set later hears of nothing old', async () => {
    const pool = await cappedPool(null)
    await fire(pool)
    await tell(pool)
    expect([await firing(pool), logged(pool, 'alert: ')]).toEqual([['CAP_REACHED'], 1])
    const hook = await webhook()
    Object.assign(pool.ctx.config, { alertWebhookUrl: hook.url })
    await tell(pool)
    expect(hook.told()).toEqual([])
  })
})

test('a bad image that nobody wants any more wakes nobody; one that the refill depends on does', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' }, limits: BY_HAND, image: imageOf(2) }))
  await trustImage(pool, imageOf(2))
  await pool.db.query({
    values: [imageOf(1)],
    text: `insert into images (image, failures, failed_at, openings, opened_at, retry_at)
      values ($1, 3, clock_now(), 1, clock_now(), clock_now())`,
  })
  await fire(pool)
  expect(await firing(pool)).not.toContain('BREAKER_OPEN')
  await pool.db.query({ values: [imageOf(1)], text: 'update settings set wanted_image = $1' })
  await fire(pool)
  expect(await firing(pool)).toContain('BREAKER_OPEN')
})
