import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterFailure, afterReset, afterSuccess, breakerOf, type ImageRecord } from '../src/images.ts'
import { LIMITS } from '../src/limits.ts'
import { evaluateAlerts, tellAlerts } from '../src/watch/alerts.ts'
import { detailOf, imageOf } from './fake-services.ts'
import { advance, countRows, type TestPool, testPool, trustImage } from './harness.ts'
import { webhook } from './webhook.ts'

const NOW = new Date('2030-01-01T12:00:00Z')
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const FRESH: ImageRecord = {
  image: imageOf(1),
  trusted_at: null,
  last_ready_at: null,
  failures: 0,
  failed_at: null,
  openings: 0,
  opened_at: null,
  retry_at: null,
}
const fail = (record: ImageRecord, created: number, failed: number, jitter = 0) =>
  afterFailure(record, { createdAt: at(created), at: at(failed), jitter }, LIMITS)

describe('the breaker of an image', () => {
  test('each failure doubles the pause, the third in a row opens it for five minutes, then it doubles to an hour', () => {
    let record = FRESH
    const pauses: number[] = []
    for (let now = 0; pauses.length < 9; now = (record.retry_at?.getTime() ?? 0) / 1000 - at(0).getTime() / 1000 + 1) {
      record = fail(record, now, now + 1)
      pauses.push(((record.retry_at?.getTime() ?? 0) - at(now + 1).getTime()) / 1000)
    }
    expect(pauses).toEqual([30, 60, 300, 600, 1200, 2400, 3600, 3600, 3600])
  })

  test('twenty that were under way together and fail together open it once', () => {
    const record = Array.from({ length: 20 }).reduce<ImageRecord>((so, _, n) => fail(so, -60, n / 10), FRESH)
    expect(record).toMatchObject({ failures: 20, openings: 1 })
    expect(record.retry_at).toEqual(at(0.2 + 300))
  })

  test('it is open until its time, then half open, and closed by the first that becomes ready', () => {
    const open = [0, 100, 200].reduce<ImageRecord>((so, s) => fail(so, s, s + 1), FRESH)
    expect([breakerOf(FRESH, NOW), breakerOf(open, at(202)), breakerOf(open, at(501))]).toEqual(['closed', 'open', 'half_open'])
    expect(afterSuccess(open, at(600))).toEqual({ ...FRESH, trusted_at: at(600), last_ready_at: at(600) })
    expect(afterReset(open)).toEqual(FRESH)
  })

  test('chance only ever lengthens a pause, by a fifth at most', () =>
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(6), (jitter, before) => {
        const record = Array.from({ length: before }).reduce<ImageRecord>(
          (so, _, n) => fail(so, n * 10_000, n * 10_000 + 1),
          FRESH,
        )
        const [without, withIt] = [0, jitter].map((j) => fail(record, 90_000, 90_001, j).retry_at?.getTime() ?? 0)
        expect(withIt).toBeGreaterThanOrEqual(without ?? 0)
        expect((withIt ?? 0) - at(90_001).getTime()).toBeLessThanOrEqual(((without ?? 0) - at(90_001).getTime()) * 1.2 + 1)
      }),
    ))
})

/** Looks, refills and looks again, as a tick would. */
async function tickOnce({ parts }: TestPool): Promise<void> {
  await parts.fleet.look({})
  await parts.refill.topUp({ actor: 'pool', requestId: null })
}

const METRICS_TOKEN = 'metrics-token-000000'
const STILL = {
  env: { TICK_INTERVAL_MS: '600000' },
  limits: { readyPollMs: 600_000, changesWaitMs: 25_000 },
  image: imageOf(1),
}

async function listImages(pool: TestPool) {
  const { body } = await pool.call('GET', '/api/pool/images')
  return body as { wanted: string; images: { image: string; state: string; breaker: string; failures: number; ready: number }[] }
}

/** Creations that services was asked for, each once, on this image. */
function createdOn({ services }: TestPool, image: string): Set<string> {
  const bodies = services.called(/create-instance/).map(({ body }) => body as { instanceId: string; image?: string })
  return new Set(bodies.filter((body) => body.image === image).map(({ instanceId }) => instanceId))
}

/** What a scraper is told of an image's breaker. */
async function isBreakerOpen(pool: TestPool, image: string): Promise<number | null> {
  const { text } = await pool.call('GET', '/metrics', { key: METRICS_TOKEN })
  const line = text.split('\n').find((each) => each.startsWith('pool_image_breaker_open{') && each.includes(`"${image}"`))
  return line === undefined ? null : Number(line.split(' ').at(-1))
}

describe('a bad image', () => {
  test('with a claim a minute for an hour the target is held on the trusted one, the bad one is tried six times at most, and one notice tells of it', async () => {
    const hook = await webhook()
    const env = { ...STILL.env, POOL_MIN_IDLE: '3', METRICS_TOKEN, ALERT_WEBHOOK_URL: hook.url }
    // alerts are looked at by hand, once a minute
    const limits = { ...STILL.limits, alertEveryMs: 3_600_000, alertGapMs: 120_000, gaugesKeptMs: 0 }
    const pool = scoped(await testPool({ ...STILL, env, limits }))
    const [GOOD, BAD] = [imageOf(1), imageOf(2)]
    await eventually('its first look at the tag', async () => (await listImages(pool)).wanted === GOOD)
    await trustImage(pool)
    pool.services.onCreate = (id) => {
      const isBad = pool.services.instances.get(id)?.image === BAD
      pool.services.set(id, detailOf(isBad ? 'deploy_failed' : 'healthy'))
    }
    await tickOnce(pool)
    await eventually('the stock', async () => {
      await tickOnce(pool)
      return (await countRows(pool.db, 'ready')) === 3
    })

    pool.services.image = BAD
    pool.parts.tick.wake()
    await eventually('the push to be seen', async () => (await listImages(pool)).wanted === BAD)
    const breakers = async () => Promise.all([GOOD, BAD].map((image) => isBreakerOpen(pool, image)))
    expect(await breakers()).toEqual([0, 0])
    const claims: number[] = []
    for (let minute = 0; minute < 60; minute++) {
      await advance(pool, 60_000)
      // also where the bad one is about to be tried again
      await evaluateAlerts(pool.ctx)
      await tellAlerts(pool.ctx)
      claims.push((await pool.claim()).status)
      // whatever fails or becomes ready now does so before the next minute
      await eventually('the target to be held', async () => {
        await tickOnce(pool)
        return (await countRows(pool.db, 'ready')) >= 3
      })
    }

    expect(new Set(claims)).toEqual(new Set([200]))
    expect(createdOn(pool, BAD).size).toBeGreaterThanOrEqual(3)
    expect(createdOn(pool, BAD).size).toBeLessThanOrEqual(6)
    const bad = (await listImages(pool)).images.find(({ image }) => image === BAD)
    expect(bad).toMatchObject({ state: 'bad', ready: 0, failures: createdOn(pool, BAD).size })
    const { rows } = await pool.db.query({ text: `select 1 from instance_events where type = 'breaker_opened'` })
    expect(rows.length).toBe(createdOn(pool, BAD).size - 2)
    expect(await breakers()).toEqual([0, 1])
    const told = hook.notices.filter(({ code }) => code === 'BREAKER_OPEN')
    expect(told).toMatchObject([{ state: 'firing', detail: expect.stringContaining(BAD) }])
  }, 60_000)

  test('once mended and reset it is tried at once, becomes trusted, and takes over', async () => {
    const pool = scoped(await testPool(STILL))
    await eventually('its first look at the tag', async () => (await listImages(pool)).wanted !== null)
    const image = imageOf(1)
    await pool.db.query({
      values: [image],
      text: `update images set failures = 3, openings = 1, opened_at = clock_now(), failed_at = clock_now(),
        retry_at = clock_now() + interval '5 min' where image = $1`,
    })
    await pool.call('PATCH', '/api/pool/settings', { body: { minIdle: 2 } })
    expect(await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })).toMatchObject({
      status: 409,
      body: { code: 'CREATION_FAILING' },
    })
    const digest = image.split('@')[1] ?? ''
    expect((await pool.call('DELETE', `/api/pool/images/sha256:${'f'.repeat(64)}/breaker`)).status).toBe(404)
    expect((await pool.call('DELETE', '/api/pool/images/latest/breaker')).status).toBe(400)
    expect((await pool.call('DELETE', `/api/pool/images/${digest}/breaker`)).status).toBe(200)
    await eventually('two ready', async () => {
      await tickOnce(pool)
      return (await countRows(pool.db, 'ready')) === 2
    })
    expect((await listImages(pool)).images).toMatchObject([{ image, state: 'trusted', breaker: 'closed', ready: 2 }])
  })
})

test('a new image is tried with one instance before there are more, and handed out first once it is trusted', async () => {
  const pool = scoped(await testPool({ ...STILL, env: { ...STILL.env, POOL_MIN_IDLE: '2' } }))
  await eventually('its first look at the tag', async () => (await listImages(pool)).wanted === imageOf(1))
  await trustImage(pool)
  await eventually('the stock', async () => {
    await tickOnce(pool)
    return (await countRows(pool.db, 'ready')) === 2
  })
  pool.services.image = imageOf(2)
  pool.parts.tick.wake()
  await eventually('the push to be seen', async () => (await listImages(pool)).wanted === imageOf(2))
  const { onCreate } = pool.services
  pool.services.onCreate = () => {}
  // an untrusted image is not handed out before the others
  const first = await pool.claim()
  await eventually('one on the new image', () => createdOn(pool, imageOf(2)).size === 1)
  expect(pool.services.instances.get(String(first.body['instanceId']))?.image).toBe(imageOf(1))
  const [canary = ''] = createdOn(pool, imageOf(2))
  await onCreate(canary)
  await tickOnce(pool)
  const next = await pool.claim()
  expect(next.body['instanceId']).toBe(canary)
})

test('an instance whose image services chose by itself proves that image, also where it is ready at first sight', async () => {
  const pool = scoped(await testPool({ env: STILL.env, limits: STILL.limits }))
  // what is wanted is not known to pool
  await pool.parts.tick.stop()
  pool.services.image = imageOf(1)
  await pool.call('PATCH', '/api/pool/settings', { body: { minIdle: 1 } })
  await eventually('it to be made', () => pool.services.instances.size === 1)
  await pool.parts.fleet.look({})
  const { rows } = await pool.db.query({ text: 'select image from images where trusted_at is not null' })
  expect(rows).toEqual([{ image: imageOf(1) }])
})
