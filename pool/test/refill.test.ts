import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holdSettings } from '../src/db/settings.ts'
import { LIMITS } from '../src/limits.ts'
import { autoDestroyCap, creationBackoff, estimateWait, planRefill, type RefillFacts } from '../src/pool.ts'
import { detailOf } from './fake-services.ts'
import { countRows, seedReady, statusOf, testPool, waitForLock } from './harness.ts'

const NOW = new Date('2030-01-01T12:00:00Z')
const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const facts = (p: Partial<RefillFacts> = {}): RefillFacts => ({
  ready: 0,
  starting: 0,
  total: 0,
  target: 5,
  maxTotal: null,
  paused: false,
  failures: [],
  now: NOW,
  ...p,
})
const plan = (p: Partial<RefillFacts>, extra: number | null = null) => planRefill(facts(p), LIMITS, extra)

describe('the plan', () => {
  test('what is missing is created, and what is on its way is not missing', () => {
    expect(plan({ ready: 1, starting: 2 })).toEqual({ create: 2, held: null })
    expect(plan({ ready: 9 })).toEqual({ create: 0, held: null })
  })

  test('a cap, a pause and failing creations hold it back and say so', () => {
    expect(plan({ maxTotal: 12, total: 10 })).toMatchObject({ create: 2, held: { code: 'MAX_TOTAL' } })
    expect(plan({ paused: true })).toMatchObject({ create: 0, held: { code: 'PAUSED' } })
    const failures = [{ created_at: at(-60), failed_at: at(-10) }]
    expect(plan({ failures })).toMatchObject({ create: 0, held: { code: 'CREATION_FAILING', until: at(20) } })
    expect(plan({ failures, now: at(20) })).toMatchObject({ create: 5, held: null })
  })

  test('more than the target can be asked for, under the same cap', () => {
    expect(plan({ ready: 5 }, 3).create).toBe(3)
    expect(plan({ ready: 5, total: 5, maxTotal: 6 }, 3)).toMatchObject({ create: 1, held: { code: 'MAX_TOTAL' } })
  })

  test('nothing ever makes the stock larger than target and cap allow', () =>
    fc.assert(
      fc.property(
        fc.record({ ready: fc.nat(20), starting: fc.nat(20), gone: fc.nat(20), target: fc.nat(30), cap: fc.option(fc.nat(60)) }),
        ({ ready, starting, gone, target, cap }) => {
          const total = ready + starting + gone
          const { create } = plan({ ready, starting, total, target, maxTotal: cap })
          expect(create).toBeGreaterThanOrEqual(0)
          if (create > 0) expect(ready + starting + create).toBeLessThanOrEqual(target)
          if (create > 0 && cap !== null) expect(total + create).toBeLessThanOrEqual(cap)
        },
      ),
    ))
})

describe('failing creations', () => {
  const together = (n: number, created: number, failed: number) =>
    Array.from({ length: n }, () => ({ created_at: at(created), failed_at: at(failed) }))

  test('twenty that fail together are one round', () =>
    expect(creationBackoff(together(20, -60, 0), LIMITS)).toEqual({ until: at(30), trial: false }))

  test('each further round doubles the pause, up to an hour, and after three only one is tried', () => {
    const rounds = [...together(2, -600, -500), ...together(2, -400, -300), ...together(1, -100, 0)]
    expect(creationBackoff(rounds, LIMITS)).toEqual({ until: at(120), trial: true })
    expect(plan({ failures: rounds, now: at(120) }).create).toBe(1)
    expect(plan({ failures: rounds, now: at(120), starting: 1 })).toMatchObject({ create: 0, held: { code: 'CREATION_FAILING' } })
    const many = Array.from({ length: 30 }, (_, n) => ({ created_at: at(n * 10), failed_at: at(n * 10 + 5) }))
    expect(creationBackoff(many, LIMITS)?.until).toEqual(at(295 + 3600))
  })
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
    pool.ctx.config.minIdle = other.ctx.config.minIdle = 5
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
    const pool = scoped(await testPool({ env: { POOL_MIN_IDLE: '2', TICK_INTERVAL_MS: '100' } }))
    pool.services.onCreate = (id) => pool.services.set(id, detailOf('deploy_failed'))
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
