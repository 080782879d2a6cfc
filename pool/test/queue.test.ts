import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { newInstanceId } from '../src/naming.ts'
import { detailOf } from './fake-services.ts'
import { type Answer, countRows, seedReady, seedRows, type TestPool, testPool } from './harness.ts'

const LONG = 60_000

/** Its waiters' replica does not look by itself: whoever else comes does the pairing. */
const ASLEEP = { limits: { claimPollMs: 600_000, readyPollMs: 600_000 }, env: { TICK_INTERVAL_MS: '600000' } }

interface Waiter {
  name: string
  id: string
  answer: Promise<Answer>
  leave(): void
}

async function queued(pool: Pick<TestPool, 'db'>): Promise<{ id: string; agent_name: string }[]> {
  const { rows } = await pool.db.query<{ id: string; agent_name: string }>(
    `select id, agent_name from claims where state = 'queued' order by seq`,
  )
  return rows
}
const namesOf = async (pool: TestPool) => (await queued(pool)).map((row) => row.agent_name)

/** Claims that wait, one behind the other, at the replicas in turn. */
async function waitInLine(pools: readonly TestPool[], names: readonly string[]): Promise<Waiter[]> {
  const waiters: Waiter[] = []
  for (const [n, name] of names.entries()) {
    const pool = pools[n % pools.length]
    if (!pool) throw new Error('no pool to wait at')
    const leaving = new AbortController()
    const answer = pool.claim({ agentName: name, waitMs: LONG }, { signal: leaving.signal })
    // who leaves is not answered
    answer.catch(() => {})
    const id = await eventually(`${name} to wait`, async () => (await queued(pool)).find((row) => row.agent_name === name)?.id)
    waiters.push({ name, id, answer, leave: () => leaving.abort() })
  }
  return waiters
}

/** One more instance, of which services tells that it has become ready. */
async function turnReady(pool: TestPool): Promise<string> {
  const id = newInstanceId()
  await seedRows(pool.db, [id], 'starting')
  pool.services.set(id, detailOf('healthy', { url: `http://${id}.test` }))
  return id
}

/** What a claim shows of its place, asked at this replica. */
async function placeOf(pool: TestPool, id: string): Promise<{ position: number; etaSeconds: number } | null> {
  const { body } = await pool.call('GET', `/api/pool/claims/${id}`)
  return body['queue'] as { position: number; etaSeconds: number } | null
}

describe('waiters at two replicas', () => {
  test('are served in the order in which they came, as instances turn ready one by one', async () => {
    const pool = scoped(await testPool())
    const other = scoped(await pool.replica())
    const names = Array.from({ length: 10 }, (_, n) => `waiter ${n}`)
    const waiters = await waitInLine([pool, other], names)
    for (const [n, waiter] of waiters.entries()) {
      const id = await turnReady(pool)
      expect((await waiter.answer).body).toMatchObject({ status: 'done', agentName: waiter.name, instanceId: id })
      expect(await namesOf(pool)).toEqual(names.slice(n + 1))
    }
  })

  test('who leave free their place, and the next is served', async () => {
    const pool = scoped(await testPool())
    const other = scoped(await pool.replica())
    const [first, second, third] = await waitInLine([pool, other], ['first', 'second', 'third'])
    for (const leaver of [first, second]) {
      leaver?.leave()
      await eventually('its place to be free', async () => !(await namesOf(pool)).includes(leaver?.name ?? ''))
    }
    expect(await placeOf(other, third?.id ?? '')).toMatchObject({ position: 1 })
    const id = await turnReady(pool)
    expect((await third?.answer)?.body).toMatchObject({ status: 'done', agentName: 'third', instanceId: id })
    expect(await countRows(pool.db, 'claimed')).toBe(1)
  })

  test('are not overtaken by a claim that cannot wait, though it is what finds the instance', async () => {
    const pool = scoped(await testPool(ASLEEP))
    const other = scoped(await pool.replica())
    const [first, second] = await waitInLine([pool, pool], ['first', 'second'])
    // ready, and nobody was told
    const [id] = await seedReady(pool, 1)
    expect(await other.claim({ agentName: 'in a hurry', waitMs: 0 })).toMatchObject({
      status: 503,
      body: { code: 'POOL_EMPTY', queueDepth: 1 },
    })
    expect(await namesOf(pool)).toEqual(['second'])
    expect((await other.call('GET', `/api/pool/claims/${first?.id}`)).body).toMatchObject({ status: 'running', instanceId: id })
    await pool.stop()
    expect((await first?.answer)?.body).toMatchObject({ status: 'done', agentName: 'first', instanceId: id })
    expect(await second?.answer).toMatchObject({ status: 503, body: { code: 'SHUTTING_DOWN' } })
  })
})

describe('the place in the queue', () => {
  test('and the estimate are told alike by every replica, and move on with the queue', async () => {
    const pool = scoped(await testPool())
    const other = scoped(await pool.replica())
    // one is on its way, and nothing says yet how long that takes
    pool.services.onCreate = (id) => pool.services.set(id, detailOf('deploying'))
    await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })
    await eventually('it to be on its way', async () => (await countRows(pool.db, 'starting')) === 1)
    const waiters = await waitInLine([pool, other], ['first', 'second', 'third'])
    const places = (at: TestPool) => Promise.all(waiters.map(({ id }) => placeOf(at, id)))
    const [here, there] = [await places(pool), await places(other)]
    expect(here.map((place) => place?.position)).toEqual([1, 2, 3])
    expect(there.map((place) => place?.position)).toEqual([1, 2, 3])
    for (const told of [here, there]) {
      const etas = told.map((place) => place?.etaSeconds ?? NaN)
      // each waits for one more to be made than whoever is before it, a minute where nothing was made yet
      expect(etas[0]).toBeGreaterThan(0)
      expect(etas[0]).toBeLessThanOrEqual(60)
      expect(etas.map((eta) => Math.round((eta - (etas[0] ?? NaN)) / 60))).toEqual([0, 1, 2])
    }

    await turnReady(pool)
    const served = await waiters[0]?.answer
    expect(served?.body).toMatchObject({ status: 'done', queue: null })
    expect((await places(other)).map((place) => place?.position ?? null)).toEqual([null, 1, 2])
  })
})
