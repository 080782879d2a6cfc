import { eventually, scoped } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { evaluateAlerts, tellAlerts } from '../src/watch/alerts.ts'
import { detailOf, imageOf } from './fake-services.ts'
import { advance, countRows, type TestPool, testPool, trustImage } from './harness.ts'
import { createdOn, listImages, STILL, tickOnce } from './stock.ts'
import { webhook } from './webhook.ts'

const METRICS_TOKEN = 'metrics-token-000000'

/** What a scraper is told of an image's breaker. */
async function isBreakerOpen(pool: TestPool, image: string): Promise<number | null> {
  const { text } = await pool.call('GET', '/metrics', { key: METRICS_TOKEN })
  const line = text.split('\n').find((each) => each.startsWith('pool_image_breaker_open{') && each.includes(`"${image}"`))
  return line === undefined ? null : Number(line.split(' ').at(-1))
}

test('a bad image, with a claim a minute for an hour the target is held on the trusted one, the bad one is tried six times at most, and one notice tells of it', async () => {
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
