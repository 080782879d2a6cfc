import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Candidate, planRotation, type RotationFacts } from '../src/rotate.ts'
import { detailOf, imageOf } from './fake-services.ts'
import { advance, type Answer, countRows, type TestPool, testPool, trustImage, unaudited, waitForLock } from './harness.ts'

const aged = (...ids: string[]): Candidate[] => ids.map((id) => ({ id, why: 'aged' }))
const rolling = (...ids: string[]): Candidate[] => ids.map((id) => ({ id, why: 'rollout' }))

interface Given extends Partial<Omit<RotationFacts, 'stock' | 'settings'>> {
  ready: number
  starting?: number
  total?: number
  target?: number
  maxTotal?: number | null
  paused?: boolean
}

const plan = ({ ready, starting = 0, total = ready + starting, target = 3, maxTotal = null, paused = false, ...p }: Given) =>
  planRotation({
    stock: { ready, starting, total },
    settings: { minIdle: target, maxTotal, paused },
    candidates: aged('a', 'b'),
    isWantedTrusted: true,
    isWantedUntried: false,
    agedLeft: 5,
    ...p,
  })

describe('the plan of a rotation', () => {
  test('one more is made first, then the oldest goes', () => {
    expect(plan({ ready: 3 })).toEqual({ surge: 'any', retire: null })
    expect(plan({ ready: 3, starting: 1 })).toEqual({ surge: 'any', retire: null })
    expect(plan({ ready: 4 })).toEqual({ surge: 'any', retire: { id: 'a', why: 'aged' } })
    expect(plan({ ready: 4, candidates: aged('a') })).toEqual({ surge: null, retire: { id: 'a', why: 'aged' } })
  })

  test('where the cap leaves no room the oldest goes first, from a full stock alone', () => {
    expect(plan({ ready: 3, maxTotal: 3 })).toEqual({ surge: null, retire: { id: 'a', why: 'aged' } })
    expect(plan({ ready: 2, total: 3, maxTotal: 3 })).toEqual({ surge: null, retire: null })
    expect(plan({ ready: 2, starting: 1, maxTotal: 3 })).toEqual({ surge: null, retire: null })
  })

  test('a roll-out takes nothing away before its image has proven itself', () => {
    const candidates = rolling('a', 'b')
    expect(plan({ ready: 3, candidates, isWantedTrusted: false })).toEqual({ surge: 'trial', retire: null })
    expect(plan({ ready: 4, candidates, isWantedTrusted: false })).toEqual({ surge: 'trial', retire: null })
    expect(plan({ ready: 4, candidates })).toEqual({ surge: 'wanted', retire: { id: 'a', why: 'rollout' } })
    // at the cap it cannot be tried but in the place of another, and that only once
    const tight = { ready: 3, candidates, isWantedTrusted: false, maxTotal: 3 }
    expect(plan({ ...tight, isWantedUntried: true })).toEqual({ surge: null, retire: { id: 'a', why: 'rollout' } })
    expect(plan(tight)).toEqual({ surge: null, retire: null })
  })

  test('a pause holds it, and so does the hourly cap for what is merely old', () => {
    expect(plan({ ready: 4, paused: true })).toEqual({ surge: null, retire: null })
    expect(plan({ ready: 4, agedLeft: 0 })).toEqual({ surge: null, retire: null })
    const candidates = [...aged('a'), ...rolling('b')]
    expect(plan({ ready: 4, agedLeft: 0, candidates })).toMatchObject({ retire: { id: 'b', why: 'rollout' } })
  })

  test('what it takes away never leaves the stock more than one short, and with room not short at all', () =>
    fc.assert(
      fc.property(
        fc.record({
          ready: fc.nat(6),
          starting: fc.nat(3),
          others: fc.nat(6),
          target: fc.nat(5),
          maxTotal: fc.option(fc.nat(16)),
          isWantedTrusted: fc.boolean(),
          isWantedUntried: fc.boolean(),
          agedLeft: fc.nat(2),
          candidates: fc.subarray([...aged('a', 'b'), ...rolling('c', 'd')]),
        }),
        ({ others, ...given }) => {
          const total = given.ready + given.starting + others
          const { retire, surge } = plan({ ...given, total })
          const hasRoom = given.maxTotal === null || total < given.maxTotal
          if (retire) expect(given.ready - 1).toBeGreaterThanOrEqual(hasRoom ? given.target : given.target - 1)
          if (surge !== null) expect(hasRoom).toBe(true)
        },
      ),
    ))
})

async function tickOnce({ parts }: TestPool): Promise<void> {
  await parts.fleet.look({})
  await parts.refill.topUp({ actor: 'pool', requestId: null })
}

const STILL = { limits: { readyPollMs: 600_000, changesWaitMs: 25_000 } }

async function aFullPool(env: Record<string, string>): Promise<TestPool> {
  const pool = await testPool({ ...STILL, env: { TICK_INTERVAL_MS: '600000', ...env } })
  await trustImage(pool)
  await eventually('the stock', async () => {
    await tickOnce(pool)
    return (await countRows(pool.db, 'ready')) === Number(env['POOL_MIN_IDLE'])
  })
  return pool
}

const readyIds = async ({ db }: TestPool): Promise<string[]> => {
  const { rows } = await db.query<{ id: string }>({ text: `select id from instances where status = 'ready'` })
  return rows.map(({ id }) => id)
}

describe('a ready instance that is too old', () => {
  test.each([
    ['with room for one more the stock stays whole', {}, 3],
    ['at the cap it is one short at the most', { POOL_MAX_TOTAL: '3' }, 2],
  ])('is replaced: %s', async (_, env, atLeast) => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '3', POOL_MAX_AGE_HOURS: '24', ...env }))
    const old = await readyIds(pool)
    await advance(pool, 25 * 3_600_000)
    await eventually('all to be replaced', async () => {
      await tickOnce(pool)
      const ready = await readyIds(pool)
      expect(ready.length).toBeGreaterThanOrEqual(atLeast)
      return ready.length === 3 && !ready.some((id) => old.includes(id))
    })
    const { rows } = await pool.db.query({ text: `select actor from instance_events where type = 'aged_out'` })
    expect(rows).toEqual([{ actor: 'pool' }, { actor: 'pool' }, { actor: 'pool' }])
  })

  test('is left alone while it is protected', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '2', POOL_MAX_AGE_HOURS: '24' }))
    const [kept = '', other = ''] = await readyIds(pool)
    await pool.call('PATCH', `/api/pool/instances/${kept}`, { body: { protected: true } })
    await advance(pool, 25 * 3_600_000)
    await eventually('the other to be replaced', async () => {
      await tickOnce(pool)
      return !(await readyIds(pool)).includes(other)
    })
    for (let n = 0; n < 5; n++) await tickOnce(pool)
    expect(await readyIds(pool)).toContain(kept)
    expect(await countEvents(pool, 'aged_out')).toBe(1)
  })

  test('is left alone where no age is set', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '1' }))
    const old = await readyIds(pool)
    await advance(pool, 10_000 * 3_600_000)
    await tickOnce(pool)
    expect(await readyIds(pool)).toEqual(old)
  })
})

/** Creations take two looks. */
function slowly(pool: TestPool): void {
  const { onCreate } = pool.services
  let waiting: string[] = []
  pool.services.onCreate = (id) => void waiting.push(id)
  const { look } = pool.parts.fleet
  pool.parts.fleet.look = async (...p) => {
    const due = waiting
    waiting = []
    await look(...p)
    for (const id of due) await onCreate(id)
  }
}

const imagesOf = async ({ db }: TestPool): Promise<string[]> => {
  const { rows } = await db.query<{ image: string }>({ text: `select image from instances where status = 'ready'` })
  return rows.map(({ image }) => image)
}
async function readyOn({ db }: TestPool, image: string): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    text: `select id from instances where status = 'ready' and image = $1`,
    values: [image],
  })
  return rows.map(({ id }) => id)
}
const [OLD, NEW] = [imageOf(1), imageOf(2)]

async function push(pool: TestPool, image = NEW): Promise<void> {
  pool.services.image = image
  pool.parts.tick.wake()
  await eventually('the push to be seen', async () => {
    const { body } = await pool.call('GET', '/api/pool/images')
    return body['wanted'] === image
  })
}

const progress = async (pool: TestPool, operation: Answer) => {
  const { body } = await pool.call('GET', `/api/pool/operations/${String(operation.body['id'])}`)
  return body as { state: string; total: number; done: number; failed: number }
}
const countEvents = async ({ db }: TestPool, type: string): Promise<number> => {
  const { rowCount } = await db.query({ text: 'select 1 from instance_events where type = $1', values: [type] })
  return rowCount ?? 0
}

describe('a roll-out', () => {
  test.each([
    ['with room', {}],
    ['at the cap', { POOL_MAX_TOTAL: '10' }],
  ])(
    'over ten ready instances, %s: it takes them one by one, and never two of them without a new one',
    async (_, env) => {
      const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '10', ...env }))
      slowly(pool)
      await push(pool)
      const rollout = await pool.call('POST', '/api/pool/rollout')
      expect(rollout).toMatchObject({ status: 202, body: { kind: 'rollout', state: 'running', total: 10 } })
      expect((await pool.call('POST', '/api/pool/rollout')).body).toMatchObject({ id: rollout.body['id'] })
      await eventually(
        'the roll-out to end',
        async () => {
          await tickOnce(pool)
          expect((await readyIds(pool)).length).toBeGreaterThanOrEqual(9)
          return (await progress(pool, rollout)).state === 'done'
        },
        { everyMs: 0, timeoutMs: 30_000 },
      )
      expect(await progress(pool, rollout)).toMatchObject({ done: 10, failed: 0 })
      expect(new Set(await imagesOf(pool))).toEqual(new Set([NEW]))
      expect(await countEvents(pool, 'rolled_out')).toBe(10)
    },
    60_000,
  )

  test('with claims coming in meanwhile: none fails, and it takes at most one beyond what they took', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '10' }))
    slowly(pool)
    await push(pool)
    const rollout = await pool.call('POST', '/api/pool/rollout')
    const claims: number[] = []
    await eventually(
      'the roll-out to end',
      async () => {
        claims.push((await pool.claim()).status)
        await tickOnce(pool)
        const [ready, starting] = [await countRows(pool.db, 'ready'), await countRows(pool.db, 'starting')]
        // what the claims took is on its way: without the roll-out ready and starting are ten together
        expect(ready).toBeGreaterThanOrEqual(10 - starting - 1)
        return (await progress(pool, rollout)).state === 'done'
      },
      { everyMs: 0, timeoutMs: 30_000 },
    )
    expect(new Set(claims)).toEqual(new Set([200]))
    expect(await countEvents(pool, 'rolled_out')).toBeLessThanOrEqual(await countEvents(pool, 'created'))
    expect(await imagesOf(pool)).not.toContain(OLD)
  }, 60_000)

  test('takes nothing away for an image that does not boot, and is refused once that is known', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '2' }))
    const stock = await readyIds(pool)
    pool.services.onCreate = (id) => pool.services.set(id, detailOf('deploy_failed'))
    await push(pool)
    const rollout = await pool.call('POST', '/api/pool/rollout')
    for (let n = 0; n < 3; n++) {
      await eventually('it to be tried', async () => {
        await tickOnce(pool)
        return (await countEvents(pool, 'creation_failed')) > n
      })
      await advance(pool, 200_000)
    }
    expect((await readyIds(pool)).toSorted()).toEqual(stock.toSorted())
    expect(await progress(pool, rollout)).toMatchObject({ state: 'running', done: 0 })
    expect((await pool.call('DELETE', '/api/pool/rollout')).body).toMatchObject({ state: 'stopped', failed: 2 })
    expect(await pool.call('POST', '/api/pool/rollout')).toMatchObject({ status: 409, body: { code: 'IMAGE_BAD' } })
    expect((await pool.call('DELETE', '/api/pool/rollout')).status).toBe(404)
  })

  test('that is stopped replaces nothing more', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '3' }))
    await push(pool)
    const rollout = await pool.call('POST', '/api/pool/rollout')
    await eventually('the first to be replaced', async () => {
      await tickOnce(pool)
      return (await countEvents(pool, 'rolled_out')) > 0
    })
    await pool.call('DELETE', '/api/pool/rollout')
    const replaced = await countEvents(pool, 'rolled_out')
    for (let n = 0; n < 5; n++) await tickOnce(pool)
    expect(await countEvents(pool, 'rolled_out')).toBe(replaced)
    expect((await progress(pool, rollout)).state).toBe('stopped')
  })

  test('that is stopped while one is being taken away: what the answer says is stopped, stays', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '3', POOL_MAX_TOTAL: '3' }))
    await push(pool)
    const release = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const holder = withTransaction(pool.db, async (tx) => {
      await tx.query('lock table instances in share mode')
      held.resolve()
      await release.promise
    })
    await held.promise
    const rollout = await pool.call('POST', '/api/pool/rollout')
    // it has chosen which, and is about to move it
    await waitForLock(pool, `update instances i set status = w.to_status`)
    const stopping = pool.call('DELETE', '/api/pool/rollout')
    await Promise.race([stopping, waitForLock(pool, 'from settings for update')])
    release.resolve()
    await holder
    const { body } = await stopping
    await pool.parts.refill.topUp({ actor: 'pool', requestId: null })
    expect(Number(body['failed']) + (await countEvents(pool, 'rolled_out'))).toBe(3)
    expect((await progress(pool, rollout)).failed).toBe(body['failed'])
  })

  test('waits for a box that a claim may give back, and replaces it then', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '1' }))
    await push(pool)
    const [id = ''] = await readyIds(pool)
    const claiming = `update instances set status = 'claiming', claim_id = 'clm_x' where id = $1`
    const { onCreate } = pool.services
    pool.services.onCreate = () => {}
    const rollout = await pool.call('POST', '/api/pool/rollout')
    await unaudited(pool.db, claiming, [id])
    await tickOnce(pool)
    expect(await progress(pool, rollout)).toMatchObject({ state: 'running', done: 0 })
    expect((await pool.call('POST', '/api/pool/rollout')).body).toMatchObject({ id: rollout.body['id'] })
    await unaudited(pool.db, `update instances set status = 'ready', claim_id = null where id = $1`, [id])
    pool.services.onCreate = onCreate
    for (const [starting] of pool.services.instances) if (starting !== id) await onCreate(starting)
    await eventually('it to be replaced', async () => {
      await tickOnce(pool)
      return (await progress(pool, rollout)).state === 'done'
    })
    expect(await imagesOf(pool)).not.toContain(OLD)
  })

  test('is over for a box that stopped answering, whatever becomes of it later', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '1' }))
    await push(pool)
    const [id = ''] = await readyIds(pool)
    pool.services.onCreate = () => {}
    const rollout = await pool.call('POST', '/api/pool/rollout')
    await unaudited(pool.db, `update instances set status = 'stuck' where id = $1`, [id])
    await pool.parts.refill.topUp({ actor: 'pool', requestId: null })
    expect((await progress(pool, rollout)).state).toBe('done')
    await unaudited(pool.db, `update instances set status = 'ready' where id = $1`, [id])
    expect((await progress(pool, rollout)).state).toBe('done')
  })

  test('that is rolled back leaves what is on the older image, and the next one replaces what it made', async () => {
    const pool = scoped(await aFullPool({ POOL_MIN_IDLE: '3' }))
    await push(pool)
    const rollout = await pool.call('POST', '/api/pool/rollout')
    await eventually('the first to be replaced', async () => {
      await tickOnce(pool)
      return (await countEvents(pool, 'rolled_out')) > 0
    })
    const { onCreate } = pool.services
    pool.services.onCreate = () => {}
    await push(pool, OLD)
    const back = await pool.call('POST', '/api/pool/rollout')
    expect(back.body['id']).not.toBe(rollout.body['id'])
    const kept: string[] = await readyOn(pool, OLD)
    pool.services.onCreate = onCreate
    for (const [id, { state }] of pool.services.instances) if (state === 'queued') await onCreate(id)
    await eventually('the way back to end', async () => {
      await tickOnce(pool)
      return (await progress(pool, back)).state === 'done'
    })
    expect(await imagesOf(pool)).not.toContain(NEW)
    expect(await readyOn(pool, OLD)).toEqual(expect.arrayContaining(kept))
    expect((await progress(pool, rollout)).state).toBe('done')
  })

  test('is refused while the refill is paused, or as long as nobody knows what is wanted', async () => {
    const pool = scoped(await testPool(STILL))
    const refused = async () => (await pool.call('POST', '/api/pool/rollout')).body['code']
    expect(await refused()).toBe('IMAGE_UNKNOWN')
    await pool.call('PATCH', '/api/pool/settings', { body: { paused: true } })
    expect(await refused()).toBe('PAUSED')
  })
})
