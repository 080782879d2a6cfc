import { eventually, scoped } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { newInstanceId } from '../src/naming.ts'
import { detailOf, healthOf } from './fake-services.ts'
import { countRows, seedReady, seedRows, statusOf, testPool } from './harness.ts'

/** Only /changes can tell within the time of a test. */
const RARELY = { env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000, changesWaitMs: 25_000 } }

test('a change of health reaches the row through /changes, and a waiting claim the instance right after', async () => {
  const pool = scoped(await testPool(RARELY))
  const id = newInstanceId()
  await seedRows(pool.db, [id], 'starting')
  pool.services.set(id, detailOf('deploying'))
  const claim = pool.claim({ waitMs: 10_000 })
  await eventually('the first look', async () => {
    const { rows } = await pool.db.query({ text: `select 1 from instances where phase = 'deploying'` })
    return rows.length === 1
  })
  const began = performance.now()
  pool.services.set(id, detailOf('healthy'))
  expect((await claim).body).toMatchObject({ status: 'done', instanceId: id })
  expect(performance.now() - began).toBeLessThan(2_000)
})

test('only the ids that changed are asked for', async () => {
  const pool = scoped(await testPool(RARELY))
  const [, changing = ''] = await seedReady(pool, 3)
  await eventually('the long poll', () => pool.services.called(/changes/).length >= 2)
  pool.services.set(changing, { url: 'http://moved.test' })
  await eventually('the look at it', () =>
    pool.services.called(/status/).some(({ body }) => {
      const { instanceIds } = body as { instanceIds: string[] }
      return instanceIds.length === 1 && instanceIds[0] === changing
    }),
  )
})

test('operators are told who looks after the fleet, and when they last did', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
  const before = (await pool.call('GET', '/api/pool/tick')).body['tickedAt']
  const body = await eventually('a completed look', async () => {
    const answer = await pool.call('GET', '/api/pool/tick')
    return answer.body['tickedAt'] !== before && answer.body['holder'] !== null ? answer.body : null
  })
  expect(body).toMatchObject({ isThis: true, everyMs: 100, holder: expect.any(String), tickedAt: expect.any(String) })
  expect(body['ageMs']).toBeLessThan(10_000)
})

test('two replicas: one watches the fleet, and the other takes over when it goes', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
  await eventually('a watcher', () => pool.services.called(/changes/).length > 0)
  const other = scoped(await pool.replica())
  const held = async () => (await pool.db.query<{ holder: string }>({ text: 'select holder from leases' })).rows[0]?.holder
  expect(await held()).toBe(pool.ctx.replica)
  await pool.stop()
  await eventually('the other to take over', async () => {
    const { rows } = await other.db.query<{ holder: string }>({ text: 'select holder from leases' })
    return rows[0]?.holder === other.ctx.replica
  })
  const [id = ''] = await seedReady(other, 1)
  other.services.set(id, { health: healthOf({ clean: false }) })
  await eventually('it to act', async () => (await statusOf(other.db, id)) !== 'ready')
})

test('what services lost or never knew: ready goes, claimed is kept as crashed', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
  const [claimed = '', ready = ''] = await seedReady(pool, 2)
  expect((await pool.claim()).body['instanceId']).toBe(claimed)
  pool.services.instances.clear()
  await eventually('the ready one to be gone', async () => (await statusOf(pool.db, ready)) === null)
  await eventually('the claimed one to be crashed', async () => (await statusOf(pool.db, claimed)) === 'crashed')
})

test('a tick in which services fails, or answers nothing, changes no row', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
  const ids = await seedReady(pool, 3)
  for (const id of ids) pool.services.set(id, detailOf('unknown', { failures: 99, failingSince: new Date(0).toISOString() }))
  const asked = pool.services.called(/status/).length
  await eventually('a few looks', () => pool.services.called(/status/).length > asked + 5)
  await pool.services.close()
  await eventually('failed ticks', () => pool.logged.filter((line) => line.includes('pass failed')).length > 3)
  expect(await countRows(pool.db, 'ready')).toBe(3)
})

test('a crashed agent that answers again with its conversation is claimed again', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
  const [id = ''] = await seedReady(pool, 1)
  await pool.claim()
  const aMinuteAgo = new Date(Date.now() - 61_000).toISOString()
  const silent = { failures: 3, failingSince: aMinuteAgo, deploymentStartedAt: aMinuteAgo }
  pool.services.set(id, { state: 'unreachable', ...silent })
  await eventually('it to be crashed', async () => (await statusOf(pool.db, id)) === 'crashed')
  pool.services.set(id, { state: 'healthy', failures: 0, failingSince: null })
  await eventually('it to be back', async () => (await statusOf(pool.db, id)) === 'claimed')
})

test('a look takes the fleet page by page, and leaves nobody out', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' }, limits: { fleetPage: 2, readyPollMs: 600_000 } }))
  await pool.parts.tick.stop()
  const ids = await seedReady(pool, 5)
  for (const id of ids) pool.services.set(id, detailOf('deploy_failed', { health: null }))
  await pool.parts.fleet.look({})
  expect(await Promise.all(ids.map((id) => statusOf(pool.db, id)))).toEqual(ids.map(() => 'stuck'))
  const asked = pool.services.called(/status.batch/).map(({ body }) => (body as { instanceIds: string[] }).instanceIds)
  expect(asked.filter((some) => some.length > 0).map((some) => some.length)).toEqual([2, 2, 1])
})
