import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterFailure, afterReset, afterSuccess, breakerOf, type ImageRecord } from '../src/supply/images.ts'
import { LIMITS } from '../src/limits.ts'
import { imageOf } from './fake-services.ts'
import { countRows, testPool, trustImage } from './harness.ts'
import { createdOn, listImages, STILL, tickOnce } from './stock.ts'

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

describe('a bad image', () => {
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
