import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { detailOf, imageOf } from './fake-services.ts'
import { advance, type Answer, countRows, type TestPool, testPool, unaudited, waitForLock } from './harness.ts'
import { aFullPool, countEvents, readyIds, STILL, tickOnce } from './stock.ts'

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
    const { env, limits } = STILL
    const pool = scoped(await testPool({ env, limits }))
    const refused = async () => (await pool.call('POST', '/api/pool/rollout')).body['code']
    expect(await refused()).toBe('IMAGE_UNKNOWN')
    await pool.call('PATCH', '/api/pool/settings', { body: { paused: true } })
    expect(await refused()).toBe('PAUSED')
  })
})
