import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { moveInstances } from '../src/db/moves.ts'
import { holdSettings } from '../src/db/settings.ts'
import type { ImageRecord } from '../src/supply/images.ts'
import { LIMITS } from '../src/limits.ts'
import { autoDestroyCap, estimateWait, planRefill, type SupplyFacts } from '../src/supply/plan.ts'
import { detailOf, imageOf } from './fake-services.ts'
import { countRows, seedReady, statusOf, testPool, trustImage, waitForLock } from './harness.ts'

const NOW = new Date('2030-01-01T12:00:00Z')
const [WANTED, OLDER] = [imageOf(2), imageOf(1)]

const record = (image: string, p: Partial<ImageRecord> = {}): ImageRecord => ({
  image,
  trusted_at: NOW,
  last_ready_at: NOW,
  failures: 0,
  failed_at: null,
  openings: 0,
  opened_at: null,
  retry_at: null,
  ...p,
})
const UNTRUSTED = { trusted_at: null, last_ready_at: null }
const LATER = new Date(NOW.getTime() + 60_000)
const OPEN = { failures: 3, openings: 1, failed_at: NOW, opened_at: NOW, retry_at: LATER }

interface Given {
  ready?: number
  startingOn?: Record<string, number>
  gone?: number
  target?: number
  maxTotal?: number | null
  paused?: boolean
  images?: ImageRecord[]
  now?: Date
}

function facts({ ready = 0, startingOn = {}, gone = 0, target = 5, maxTotal = null, paused = false, ...p }: Given): SupplyFacts {
  const on = new Map(Object.entries(startingOn))
  const starting = [...on.values()].reduce((sum, n) => sum + n, 0)
  return {
    stock: { ready, starting, startingOn: on, total: ready + starting + gone },
    settings: { minIdle: target, maxTotal, maxAgeHours: null, paused },
    wanted: WANTED,
    images: p.images ?? [record(WANTED)],
    now: p.now ?? NOW,
  }
}
const plan = (p: Given, extra: number | null = null) => planRefill(facts(p), extra)
const countOf = (create: ReturnType<typeof plan>['create']) => create.reduce((sum, { count }) => sum + count, 0)

describe('the plan', () => {
  test('what is missing is created, and what is on its way is not missing', () => {
    expect(plan({ ready: 1, startingOn: { [OLDER]: 2 } })).toEqual({ create: [{ image: WANTED, count: 2 }], held: null })
    expect(plan({ ready: 9 })).toEqual({ create: [], held: null })
  })

  test('a cap and a pause hold it back and say so', () => {
    expect(plan({ ready: 0, gone: 10, maxTotal: 12 })).toMatchObject({ create: [{ count: 2 }], held: { code: 'MAX_TOTAL' } })
    expect(plan({ paused: true })).toMatchObject({ create: [], held: { code: 'PAUSED' } })
  })

  test('more than the target can be asked for, under the same cap', () => {
    expect(plan({ ready: 5 }, 3).create).toEqual([{ image: WANTED, count: 3 }])
    expect(plan({ ready: 5, maxTotal: 6 }, 3)).toMatchObject({ create: [{ count: 1 }], held: { code: 'MAX_TOTAL' } })
  })

  test('an image nothing is known of has one creation in flight, and the others are made on the one trusted before', () => {
    const images = [record(WANTED, UNTRUSTED), record(OLDER)]
    expect(plan({ images }).create).toEqual([
      { image: WANTED, count: 1 },
      { image: OLDER, count: 4 },
    ])
    expect(plan({ images, startingOn: { [WANTED]: 1 } }).create).toEqual([{ image: OLDER, count: 4 }])
  })

  test('where no image is trusted it is the only one in flight', () => {
    const images = [record(WANTED, UNTRUSTED)]
    expect(plan({ images })).toMatchObject({ create: [{ image: WANTED, count: 1 }], held: { code: 'UNTRUSTED_IMAGE' } })
    expect(plan({ images, startingOn: { [WANTED]: 1 } })).toMatchObject({ create: [], held: { code: 'UNTRUSTED_IMAGE' } })
  })

  test('a bad image is left alone until its time, then one is tried; the stock comes from the trusted one', () => {
    const images = [record(WANTED, { ...UNTRUSTED, ...OPEN }), record(OLDER)]
    expect(plan({ images })).toEqual({ create: [{ image: OLDER, count: 5 }], held: null })
    expect(plan({ images, now: LATER }).create).toEqual([
      { image: WANTED, count: 1 },
      { image: OLDER, count: 4 },
    ])
  })

  test('with no trusted image left only the tries go on', () => {
    const images = [record(WANTED, OPEN), record(OLDER, OPEN)]
    expect(plan({ images })).toMatchObject({ create: [], held: { code: 'CREATION_FAILING', until: LATER } })
    expect(countOf(plan({ images, now: LATER }).create)).toBe(2)
    expect(plan({ images, now: LATER, startingOn: { [WANTED]: 1, [OLDER]: 1 } }).create).toEqual([])
  })

  test('after one failure a trusted image is waited for', () => {
    const images = [record(WANTED, { failures: 1, failed_at: NOW, retry_at: LATER }), record(OLDER)]
    expect(plan({ images })).toMatchObject({ create: [], held: { code: 'CREATION_FAILING', until: LATER } })
    expect(plan({ images, now: LATER })).toMatchObject({ create: [{ image: WANTED, count: 5 }], held: null })
  })

  const anyRecord = (image: string) =>
    fc.record({ trusted: fc.boolean(), failures: fc.nat(4), later: fc.boolean() }).map(({ trusted, failures, later }) =>
      record(image, {
        ...(trusted ? {} : UNTRUSTED),
        failures,
        opened_at: failures >= 3 ? NOW : null,
        retry_at: failures > 0 ? (later ? LATER : NOW) : null,
      }),
    )

  test('nothing ever makes the stock larger than target and cap allow, nor tries two at once on what is not trusted', () =>
    fc.assert(
      fc.property(
        fc.record({
          ready: fc.nat(20),
          startingOn: fc.record({ [WANTED]: fc.nat(3), [OLDER]: fc.nat(3) }),
          gone: fc.nat(20),
          target: fc.nat(30),
          maxTotal: fc.option(fc.nat(60)),
          images: fc.tuple(anyRecord(WANTED), anyRecord(OLDER)),
        }),
        (given) => {
          const { create, held } = plan({ ...given, images: [...given.images] })
          const before = facts(given).stock
          const made = countOf(create)
          if (made > 0) expect(before.ready + before.starting + made).toBeLessThanOrEqual(given.target)
          if (made > 0 && given.maxTotal !== null) expect(before.total + made).toBeLessThanOrEqual(given.maxTotal)
          if (held === null) expect(before.ready + before.starting + made).toBeGreaterThanOrEqual(given.target)
          for (const { image, count } of create) {
            const of = given.images.find((known) => known.image === image)
            expect(count).toBeGreaterThan(0)
            if (of?.trusted_at && !of.opened_at) continue
            expect(count + (given.startingOn[image] ?? 0)).toBe(1)
          }
        },
      ),
    ))
})

test('automation destroys at least 5 and at most a fifth of the target per hour', () => {
  expect([autoDestroyCap(3, LIMITS), autoDestroyCap(100, LIMITS)]).toEqual([5, 20])
})

test('who waits further back waits longer', () => {
  const wait = (position: number) => estimateWait({ position, starting: 2, oldestStartingMs: 20_000, warmUpMs: 50_000 })
  expect([wait(1), wait(2), wait(3)]).toEqual([30, 30, 80])
})

describe('refilling', () => {
  test('a pool fills itself up to its target and stops there', async () => {
    const pool = scoped(await testPool({ env: { POOL_MIN_IDLE: '3' } }))
    await eventually('three ready', async () => (await countRows(pool.db, 'ready')) === 3)
    // a creation may be asked for twice, under its one id
    expect(pool.services.instances.size).toBe(3)
  })

  test('it starts with the reservation, not with the tick', async () => {
    const pool = scoped(await testPool({ env: { POOL_MIN_IDLE: '1', TICK_INTERVAL_MS: '600000' } }))
    await eventually('one ready', async () => (await countRows(pool.db, 'ready')) === 1)
    expect((await pool.claim()).status).toBe(200)
    await eventually('the next one', () => pool.services.instances.size === 2)
  })

  test('two pools that see the same deficit at the same moment fill it once', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' } }))
    const other = scoped(await pool.replica())
    pool.services.onCreate = () => {}
    await trustImage(pool)
    // nobody is told, so that nothing is filled before both wait
    await pool.db.query({ text: 'update settings set min_idle = 5' })
    // both have read nothing yet and wait for the same lock
    const release = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const holder = withTransaction(pool.db, async (tx) => {
      await holdSettings(tx)
      held.resolve()
      await release.promise
    })
    await held.promise
    const who = { actor: 'test', requestId: null }
    const fills = [pool, other, pool, other].map(({ parts: { refill } }) => refill.topUp(who))
    await waitForLock(pool, 'from settings for update', 4)
    release.resolve()
    await holder
    await Promise.all(fills)
    expect(await countRows(pool.db, 'starting')).toBe(5)
  })

  test('a creation whose call was lost is asked for again under the same id', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '200' } }))
    const { onCreate } = pool.services
    let lost = 0
    pool.services.onCreate = async (id) => {
      if (lost++ === 0) {
        pool.services.instances.delete(id)
        throw new Error('lost')
      }
      await onCreate(id)
    }
    const operation = await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })
    expect(operation.status).toBe(202)
    await eventually('it to be ready', async () => (await countRows(pool.db, 'ready')) === 1)
    const ids = pool.services.called(/create-instance/).map(({ body }) => (body as { instanceId: string }).instanceId)
    expect(new Set(ids).size).toBe(1)
    expect(ids.length).toBeGreaterThan(1)
  })

  test('failing creation does not spin: it pauses, says so, and the failed ones are cleaned up', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
    pool.services.onCreate = (id) => pool.services.set(id, detailOf('deploy_failed'))
    await trustImage(pool)
    await pool.call('PATCH', '/api/pool/settings', { body: { minIdle: 2 } })
    await eventually('the failed ones to be gone', async () => {
      const { rows } = await pool.db.query({ text: `select 1 from instance_events where type = 'removed'` })
      return rows.length === 2
    })
    const { body } = await pool.call('GET', '/api/pool/status')
    expect(body['held']).toMatchObject({ code: 'CREATION_FAILING' })
    // a call may be repeated, an instance not
    const ids = pool.services.called(/create-instance/).map((call) => (call.body as { instanceId: string }).instanceId)
    expect(new Set(ids).size).toBe(2)
    expect(await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })).toMatchObject({
      status: 409,
      body: { code: 'CREATION_FAILING' },
    })
  })

  test('a stuck box that an operator protects is not destroyed, also where that was read before', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000 } }))
    const [kept = '', gone = ''] = await seedReady(pool, 2)
    for (const id of [kept, gone]) pool.services.set(id, detailOf('deploy_failed', { health: null }))
    await pool.parts.fleet.look({})
    await pool.call('PATCH', `/api/pool/instances/${kept}`, { body: { protected: true } })
    await eventually('the other to go', async () => {
      await pool.parts.fleet.look({})
      return (await statusOf(pool.db, gone)) === null
    })
    const stale = { id: kept, from: 'stuck', to: 'deleting', claimId: null, type: 'auto_destroy', reason: 'read before' } as const
    expect(await moveInstances(pool.db, { moves: [stale], actor: 'pool' })).toEqual(new Set())
    expect(await statusOf(pool.db, kept)).toBe('stuck')
  })

  test('the hourly cap keeps stuck boxes from being destroyed all at once', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
    const ids = await seedReady(pool, 8)
    for (const id of ids) pool.services.set(id, detailOf('deploy_failed', { health: null }))
    await eventually('five to be gone', async () => {
      const states = await Promise.all(ids.map((id) => statusOf(pool.db, id)))
      return states.filter((status) => status === null).length === 5
    })
    expect(await countRows(pool.db, 'stuck')).toBe(3)
  })
})
