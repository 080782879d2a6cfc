import { withTransaction } from '@convos/kit'
import { scoped } from '@convos/sandbox/testing'
import type { InstanceReply } from '@convos/services/contract'
import { describe, expect, test } from 'vitest'
import { takeItems } from '../src/db/items.ts'
import { stopOperation } from '../src/db/operations.ts'
import { follow } from '../src/operations/redeploy.ts'
import { detailOf, problem } from './fake-services.ts'
import { seedReady, statusOf, testPool, type TestPool, unaudited, waitForLock } from './harness.ts'
import { makeKey } from './keys.ts'
import { claimed, eventsOf, finished, gate } from './operating.ts'

const FAST = { limits: { followEveryMs: 10, itemRetryMs: 10 } }
const redeploy = (pool: TestPool, id: string, body: unknown = {}) =>
  pool.call('POST', `/api/pool/instances/${id}/redeploy`, { body })
const asked = (pool: TestPool) => pool.services.called(/POST \/redeploy/)
const WANTED = 'runtime@sha256:new'

describe('an agent is redeployed', () => {
  test('and is done at once where it is on the wanted image already; `force` is passed on', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    const begun = await redeploy(pool, id)
    expect(begun).toMatchObject({ status: 202, body: { kind: 'redeploy', total: 1 } })
    expect(await finished(pool, begun.body)).toMatchObject({ state: 'done', done: 1, items: [{ instanceId: id, state: 'done' }] })
    await finished(pool, (await redeploy(pool, id, { force: true })).body)
    expect(asked(pool).map(({ body }) => body)).toEqual([{ force: false }, { force: true }])
    expect((await eventsOf(pool, id)).slice(-4)).toMatchObject([
      { type: 'redeploy', actor: 'key:pool', detail: { force: false } },
      { type: 'operation_item_done', actor: 'key:pool', detail: { kind: 'redeploy' } },
      { type: 'redeploy', actor: 'key:pool', detail: { force: true } },
      { type: 'operation_item_done', actor: 'key:pool', detail: { kind: 'redeploy' } },
    ])
  })

  test('and followed until the new deployment itself answers; its progress can be seen, and it is asked for once', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    pool.services.onRedeploy = () => true
    pool.services.rollouts.set(id, { wantedImage: WANTED })
    const { body } = await redeploy(pool, id)
    await looked(pool, id, 2)
    // the old one still answers
    expect((await pool.call('GET', `/api/pool/operations/${String(body['id'])}`)).body).toMatchObject({
      state: 'running',
      items: [{ state: 'running', step: 'deploying' }],
    })
    pool.services.set(id, { state: 'deploying' })
    pool.services.rollouts.delete(id)
    await looked(pool, id, 2)
    pool.services.set(id, { state: 'healthy' })
    expect(await finished(pool, body)).toMatchObject({ state: 'done' })
    expect(asked(pool)).toHaveLength(1)
    expect(await statusOf(pool.db, id)).toBe('claimed')
  })

  test('and fails with the reason that services gives', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    pool.services.onRedeploy = () => true
    pool.services.rollouts.set(id, { rolloutError: 'the new deployment is failed' })
    expect(await finished(pool, (await redeploy(pool, id)).body)).toMatchObject({
      state: 'failed',
      failed: 1,
      items: [{ error: 'the new deployment is failed' }],
    })
    pool.services.onRedeploy = () => {
      throw problem(409, 'ROLLOUT_IN_PROGRESS')
    }
    expect(await finished(pool, (await redeploy(pool, id)).body)).toMatchObject({
      items: [{ error: 'fake ROLLOUT_IN_PROGRESS' }],
    })
  })

  test('though services could not be asked at first, but is not tried for ever', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    let refusals = 3
    pool.services.onRedeploy = () => {
      if (refusals-- > 0) throw problem(503, 'BUSY')
      return false
    }
    expect(await finished(pool, (await redeploy(pool, id)).body)).toMatchObject({ state: 'done' })
    refusals = Infinity
    const { body } = await redeploy(pool, id)
    const begunAgo = `update operation_items set taken_at = taken_at - interval '1 h' where operation_id = $1 and taken_at is not null`
    await expect
      .poll(async () => (await pool.db.query({ text: begunAgo, values: [body['id']] })).rowCount, { interval: 10 })
      .toBe(1)
    expect(await finished(pool, body)).toMatchObject({ state: 'failed', items: [{ error: 'it was not done in time' }] })
  })

  test('only by operators, only where there is an agent, and only as asked', async () => {
    const pool = scoped(await testPool())
    const { key } = await makeKey(pool)
    const id = await claimed(pool, {}, key)
    const [ready = ''] = await seedReady(pool, 1)
    expect((await pool.call('POST', `/api/pool/instances/${id}/redeploy`, { key })).status).toBe(403)
    expect(await redeploy(pool, ready)).toMatchObject({ status: 409, body: { code: 'WRONG_STATUS' } })
    expect((await redeploy(pool, 'nobody')).status).toBe(404)
    for (const body of [{ force: 'yes' }, { image: 'x' }]) expect((await redeploy(pool, id, body)).status).toBe(400)
    expect(asked(pool)).toEqual([])
  })
})

describe('the work of an operation', () => {
  test('is finished by another replica when whoever took it is gone, and the late one changes nothing', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' }, ...FAST }))
    const id = await claimed(pool)
    const first = gate()
    pool.services.onRedeploy = async () => {
      if (asked(pool).length === 1) await first.pass()
      return false
    }
    const { body } = await redeploy(pool, id)
    await first.reached
    // its replica is not heard of again: the lease runs out
    await pool.db.query(`update operation_items set lease_until = clock_now()`)
    const other = scoped(await pool.replica())
    const over = await finished(other, body)
    expect(over).toMatchObject({ state: 'done', done: 1 })
    pool.services.onRedeploy = () => {
      throw problem(409, 'INSTANCE_NOT_RUNNING')
    }
    first.open()
    await expect.poll(() => pool.logged.concat(other.logged).join('')).toContain('taken over by another replica')
    expect((await pool.call('GET', `/api/pool/operations/${String(body['id'])}`)).body).toEqual(over)
  })

  test('goes to one replica only', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' }, ...FAST }))
    scoped(await pool.replica())
    const ids = await Promise.all(Array.from({ length: 4 }, () => claimed(pool)))
    const operations = await Promise.all(ids.map((id) => redeploy(pool, id)))
    for (const { body } of operations) expect(await finished(pool, body)).toMatchObject({ state: 'done' })
    expect(
      asked(pool)
        .map(({ path }) => path.replace('/redeploy/', ''))
        .toSorted(),
    ).toEqual(ids.toSorted())
  })

  test('that nobody has begun is left undone when it is stopped; what is under way comes to its end', async () => {
    const pool = scoped(await testPool({ limits: { ...FAST.limits, itemsAtOnce: 1 } }))
    const [busy, waiting] = [await claimed(pool), await claimed(pool)]
    const first = gate()
    pool.services.onRedeploy = async () => {
      await first.pass()
      return false
    }
    const [one, two] = [await redeploy(pool, busy), await redeploy(pool, waiting)]
    await first.reached
    for (const { body } of [one, two]) await pool.call('DELETE', `/api/pool/operations/${String(body['id'])}`)
    expect(await finished(pool, two.body)).toMatchObject({
      state: 'stopped',
      items: [{ state: 'failed', error: 'stopped before it was begun' }],
    })
    first.open()
    expect(await finished(pool, one.body)).toMatchObject({ state: 'stopped', done: 1 })
    expect(asked(pool)).toHaveLength(1)
  })

  test('that is being taken at the moment of the stop is under way', async () => {
    // nothing is taken here but by the test
    const pool = scoped(await testPool({ limits: { itemsAtOnce: 0 } }))
    const { body } = await redeploy(pool, await claimed(pool))
    const taking = { kinds: ['redeploy'], limit: 1, leaseMs: 60_000 }
    const path = `/api/pool/operations/${String(body['id'])}`
    const stopped = await withTransaction(pool.db, async (tx) => {
      expect(await takeItems(tx, taking)).toHaveLength(1)
      const stopping = pool.call('DELETE', path)
      await waitForLock(pool, 'stopped before it was begun')
      return { stopping }
    })
    expect((await stopped.stopping).body).toMatchObject({ state: 'running', items: [{ state: 'running' }] })
    const another = await redeploy(pool, await claimed(pool))
    await withTransaction(pool.db, async (tx) => {
      await stopOperation(tx, { id: String(another.body['id']), actor: 'test', requestId: null })
      expect(await takeItems(pool.db, taking)).toEqual([])
    })
    expect(await takeItems(pool.db, taking)).toEqual([])
  })

  test('that fails for no reason that it knows is tried again, but not for ever', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' }, limits: { itemLeaseMs: 10 } }))
    const id = await claimed(pool)
    await pool.db.query(`insert into operations (id, kind, actor, input) values ('op_odd', 'redeploy', 'test', '{}')`)
    await pool.db.query({
      text: `
        insert into operation_items (operation_id, seq, instance_id, begun_at, lease_until)
        values ('op_odd', 1, $1, clock_now(), clock_now())`,
      values: [id],
    })
    await expect.poll(() => pool.logged.filter((line) => line.includes('failed unexpectedly')).length).toBeGreaterThan(1)
    await pool.db.query(`update operation_items set taken_at = taken_at - interval '1 h'`)
    expect(await finished(pool, { id: 'op_odd' })).toMatchObject({ items: [{ error: 'it was not done in time' }] })
  })

  test('of a kind that this version does not know is left to a newer one', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' }, ...FAST }))
    const id = await claimed(pool)
    await pool.db.query(`insert into operations (id, kind, actor) values ('op_new', 'paint', 'test')`)
    await pool.db.query({
      text: `
        insert into operation_items (operation_id, seq, instance_id, begun_at, lease_until)
        values ('op_new', 1, $1, clock_now(), '-infinity')`,
      values: [id],
    })
    // what is due later is taken all the same
    expect(await finished(pool, (await redeploy(pool, id)).body)).toMatchObject({ state: 'done' })
    const { body } = await pool.call('GET', '/api/pool/operations/op_new')
    expect(body).toMatchObject({ kind: 'paint', state: 'running', items: [{ step: 'waiting' }] })
  })
})

describe('an agent that is killed while it is redeployed', () => {
  test('is no longer followed, and stays killed', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    pool.services.onRedeploy = () => true
    pool.services.rollouts.set(id, { wantedImage: WANTED })
    const { body } = await redeploy(pool, id)
    await looked(pool, id, 1)
    expect((await pool.call('DELETE', `/api/pool/instances/${id}`)).status).toBe(202)
    expect(await finished(pool, body)).toMatchObject({ state: 'failed', failed: 1 })
    await expect.poll(() => statusOf(pool.db, id)).toBeNull()
  })

  test('before its turn comes is left alone', async () => {
    const pool = scoped(await testPool({ limits: { ...FAST.limits, itemsAtOnce: 1 } }))
    const [busy, id] = [await claimed(pool), await claimed(pool)]
    const first = gate()
    pool.services.onRedeploy = async () => {
      await first.pass()
      return false
    }
    await redeploy(pool, busy)
    await first.reached
    const { body } = await redeploy(pool, id)
    // services has not heard of it yet
    await unaudited(pool.db, `update instances set status = 'deleting' where id = $1`, [id])
    first.open()
    expect(await finished(pool, body)).toMatchObject({
      items: [{ state: 'failed', error: 'only claimed or crashed instances can be redeployed' }],
    })
    expect(asked(pool)).toHaveLength(1)
  })

  test('at the very call is told so by services', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    const call = gate()
    pool.services.onRedeploy = async () => {
      await call.pass()
      throw problem(409, 'INSTANCE_NOT_RUNNING')
    }
    const { body } = await redeploy(pool, id)
    await call.reached
    await pool.call('DELETE', `/api/pool/instances/${id}`)
    call.open()
    expect(await finished(pool, body)).toMatchObject({ state: 'failed', items: [{ error: 'fake INSTANCE_NOT_RUNNING' }] })
  })
})

test('a crashed agent that is redeployed comes back by itself', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' }, ...FAST }))
  const id = await claimed(pool)
  const before = pool.services.instances.get(id)?.health ?? null
  pool.services.set(id, { state: 'deploy_failed', health: null })
  await expect.poll(() => statusOf(pool.db, id)).toBe('crashed')
  pool.services.onRedeploy = () => {
    pool.services.set(id, { state: 'healthy', health: before })
    return true
  }
  expect(await finished(pool, (await redeploy(pool, id)).body)).toMatchObject({ state: 'done' })
  await expect.poll(() => statusOf(pool.db, id)).toBe('claimed')
})

describe('how far a redeploy is', () => {
  const ledger = (p: Partial<InstanceReply>): InstanceReply => ({
    instanceId: 'i',
    state: 'healthy',
    wish: 'present',
    url: null,
    image: null,
    wantedImage: null,
    rolloutError: null,
    tools: [],
    steps: [],
    attempts: 0,
    error: null,
    nextRunAt: null,
    capabilities: { recycle: false },
    ...p,
  })
  test.each<[string, Partial<InstanceReply>, ReturnType<typeof follow>]>([
    ['it answers on its image', {}, 'up'],
    ['it answers, but the new one is not there yet', { wantedImage: WANTED }, 'under way'],
    ['what it was before had failed', { state: 'deploy_failed', wantedImage: WANTED }, 'under way'],
    ['it is deploying', { state: 'deploying' }, 'under way'],
    ['it does not answer yet', { state: 'unreachable' }, 'under way'],
    ['the deployment failed', { state: 'deploy_failed', error: 'no' }, { error: 'no' }],
    ['the rollout was given up', { rolloutError: 'never' }, { error: 'never' }],
    ['it is to go', { wish: 'absent', rolloutError: 'never' }, { error: 'the instance is being deleted' }],
  ])('%s', (_what, seen, expected) => expect(follow(ledger(seen))).toEqual(expected))
})

/** Services' ledger has been asked for it so many times from now on. */
async function looked(pool: TestPool, id: string, times: number): Promise<void> {
  const looks = () => pool.services.calls.filter(({ method, path }) => method === 'GET' && path === `/instances/${id}`).length
  const before = looks()
  await expect.poll(looks, { interval: 10 }).toBeGreaterThanOrEqual(before + times)
}

test('an agent of which services never heard is not redeployed', async () => {
  const pool = scoped(await testPool(FAST))
  const id = await claimed(pool)
  pool.services.set(id, detailOf('unknown'))
  pool.services.onRedeploy = () => {
    throw problem(404, 'INSTANCE_UNKNOWN')
  }
  expect(await finished(pool, (await redeploy(pool, id)).body)).toMatchObject({ items: [{ error: 'fake INSTANCE_UNKNOWN' }] })
})
