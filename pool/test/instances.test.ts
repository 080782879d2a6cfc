import { scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { INSTANCE_SORTS } from '../src/contract/index.ts'
import { cursorOf, placeOf } from '../src/listing.ts'
import { newInstanceId } from '../src/naming.ts'
import { detailOf, problem, setTool } from './fake-services.ts'
import { type Answer, seedReady, seedRows, statusOf, testPool, type TestPool, unaudited, waitForLock } from './harness.ts'
import { makeKey } from './keys.ts'
import { claimed, eventsOf, finished } from './operating.ts'

const idsOf = ({ body }: Answer) => (body['instances'] as { id: string }[]).map(({ id }) => id)
const list = (pool: TestPool, query = '') => pool.call('GET', `/api/pool/instances?${query}`)

/** Rows of which services says nothing, so that they stay as the test makes them. */
async function seedStill(pool: TestPool, n: number, status?: string): Promise<string[]> {
  const ids = Array.from({ length: n }, newInstanceId)
  for (const id of ids) pool.services.set(id, detailOf('unknown'))
  await seedRows(pool.db, ids, status)
  return ids
}

/** Every page, one after the other. */
async function pages(pool: TestPool, query: string): Promise<string[]> {
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer: Answer = await list(pool, `${query}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    expect(answer.status).toBe(200)
    seen.push(...idsOf(answer))
    cursor = answer.body['nextCursor'] as string | null
  }
  return seen
}

test('the figures of the pool are those of the instances beside them, whatever was counted a moment ago', async () => {
  const pool = scoped(await testPool())
  const [id] = await seedStill(pool, 2)
  expect((await pool.call('GET', '/api/pool/counts')).body).toMatchObject({ idle: 2 })
  await unaudited(pool.db, "update instances set status = 'stuck' where id = $1", [id])
  const { body } = await pool.call('GET', '/api/pool/status')
  expect(body).toMatchObject({ byStatus: { ready: 1, stuck: 1 }, counts: { idle: 1, stuck: 1 } })
})

describe('the list of instances', () => {
  test('shows those that every filter lets through', async () => {
    const pool = scoped(await testPool())
    const ids = await seedStill(pool, 4)
    const [plain = '', ours = '', theirs = '', stuck = ''] = ids
    await unaudited(
      pool.db,
      `
        update instances set status = 'claimed', claim_id = id, conversation_id = 'c', agent_name = 'Tokyo Trip', template_id = 't1',
          principal = case when id = $1 then 'key:a' else 'key:b' end, owner_id = 'inbox-' || (id = $1),
          owner_address = case when id = $1 then '0xAbC' end, image = 'i@sha256:' || (id = $1)
        where id in ($1, $2)`,
      [ours, theirs],
    )
    await unaudited(pool.db, `update instances set status = 'stuck' where id = $1`, [stuck])
    const shows = async (query: string) => idsOf(await list(pool, query)).toSorted()
    expect(await shows('')).toEqual(ids.toSorted())
    expect(await shows('status=ready')).toEqual([plain])
    expect(await shows('status=ready&status=stuck')).toEqual([plain, stuck].toSorted())
    expect(await shows('template=t1')).toEqual([ours, theirs].toSorted())
    expect(await shows('principal=key:a')).toEqual([ours])
    expect(await shows('owner=inbox-false')).toEqual([theirs])
    expect(await shows('owner=0xabc')).toEqual([ours])
    expect(await shows('image=i@sha256:true')).toEqual([ours])
    expect(await shows('text=kyo%20tr')).toEqual([ours, theirs].toSorted())
    expect(await shows(`text=${stuck.slice(2, 9).toUpperCase()}`)).toEqual([stuck])
    expect(await shows('text=%25')).toEqual([])
    expect(await shows('status=claimed&principal=key:a&template=t2')).toEqual([])
  })

  test('in every order shows each exactly once, page by page, and last those that have no such time or name', async () => {
    const pool = scoped(await testPool())
    const ids = await seedStill(pool, 7, 'stuck')
    // many with the same key, some a microsecond apart, some without
    await unaudited(
      pool.db,
      `
      update instances set created_at = t + n % 3 * interval '1 us', ready_at = t + n % 3 * interval '1 us',
        claimed_at = case when n > 2 then t + n % 2 * interval '1 us' end, agent_name = case when n > 2 then 'agent ' || n % 2 end,
        last_activity_at = case when n > 2 then t end, status = case when n > 4 then 'deleting' else 'stuck' end
      from (select id as which, row_number() over (order by id) as n, clock_now() as t from instances) numbered where id = which`,
    )
    const orders = INSTANCE_SORTS.flatMap((sort) => (['asc', 'desc'] as const).map((order) => ({ sort, order })))
    for (const { sort, order } of orders) {
      const by = `sort=${sort}&order=${order}`
      const seen = await pages(pool, `${by}&limit=2`)
      expect(seen.toSorted(), by).toEqual(ids.toSorted())
      const whole = await list(pool, `${by}&limit=200`)
      expect(seen, by).toEqual(idsOf(whole))
      const keys = (whole.body['instances'] as Record<string, string | null>[]).map((each) => each[sort] ?? null)
      const present = keys.filter((key) => key !== null)
      expect(keys.slice(0, present.length), by).toEqual(present)
      expect(order === 'asc' ? present : present.toReversed(), by).toEqual(present.toSorted())
    }
  })

  test('goes on after its place, whatever came or went meanwhile', async () => {
    const pool = scoped(await testPool())
    const ids = await seedReady(pool, 4)
    const first = await list(pool, 'order=asc&limit=2')
    await unaudited(pool.db, 'delete from instances where id = $1', [ids[1]])
    await seedReady(pool, 1)
    const after = await list(pool, `order=asc&limit=2&cursor=${String(first.body['nextCursor'])}`)
    expect(idsOf(after)[0]).toBe(ids[2])
  })

  test('refuses what is no filter, order or cursor of its own, and says which', async () => {
    const pool = scoped(await testPool())
    const elsewhere = cursorOf({ sort: 'status', order: 'asc' }, { key: 'ready', id: 'abcdefghijkl' })
    const forged = Buffer.from('["createdAt","desc","yesterday","abcdefghijkl"]').toString('base64url')
    const wrong = ['status=gone', 'sort=secret', 'order=up', 'limit=201', 'limit=0', 'text=%00', 'cursor=nonsense']
    for (const query of [...wrong, `cursor=${forged}`, `cursor=${elsewhere}`]) {
      const [path = ''] = query.split('=')
      const answer = await list(pool, query)
      expect(answer, query).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
      expect((answer.body['errors'] as { path: string }[])[0]?.path, query).toMatch(path)
    }
  })

  test('a cursor is read back as it was written, and only in its own order', () =>
    fc.assert(
      fc.property(
        fc.constantFrom('agentName' as const, 'status' as const),
        fc.option(fc.string({ unit: 'grapheme', maxLength: 20 })),
        (sort, key) => {
          const place = { key, id: 'abcdefghijkl' }
          const cursor = cursorOf({ sort, order: 'asc' }, place)
          expect(placeOf({ sort, order: 'asc' }, cursor)).toEqual(place)
          expect(() => placeOf({ sort, order: 'desc' }, cursor)).toThrow('cursor')
        },
      ),
      { numRuns: 30 },
    ))
})

describe('an instance is changed', () => {
  const change = (pool: TestPool, id: string, body: unknown) => pool.call('PATCH', `/api/pool/instances/${id}`, { body })

  test('to be protected, and not: then its claimer cannot end it either, and each change is in its log once', async () => {
    const pool = scoped(await testPool())
    const mine = await makeKey(pool)
    const id = await claimed(pool, {}, mine.key)
    for (let i = 0; i < 2; i++)
      expect(await change(pool, id, { protected: true })).toMatchObject({ status: 200, body: { id, protected: true } })
    const path = `/api/pool/instances/${id}`
    expect(await pool.call('DELETE', path, { key: mine.key })).toMatchObject({ status: 409, body: { code: 'PROTECTED' } })
    expect(await pool.call('POST', `${path}/recycle`)).toMatchObject({ status: 409, body: { code: 'PROTECTED' } })
    expect((await change(pool, id, { protected: false })).body).toMatchObject({ protected: false, actions: { kill: true } })
    expect((await eventsOf(pool, id)).slice(-2)).toMatchObject([
      { type: 'protected', actor: 'key:pool' },
      { type: 'unprotected', actor: 'key:pool' },
    ])
    expect((await pool.call('DELETE', path, { key: mine.key })).status).toBe(202)
  })

  test('to end at a time that is to come, or never', async () => {
    const pool = scoped(await testPool())
    const id = await claimed(pool)
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    expect((await change(pool, id, { expiresAt })).body).toMatchObject({ expiresAt, protected: false })
    expect((await eventsOf(pool, id)).at(-1)).toMatchObject({ type: 'expires_at_set' })
    expect((await change(pool, id, { expiresAt: null })).body).toMatchObject({ expiresAt: null })
    expect(await change(pool, id, { expiresAt: '2020-01-01T00:00:00Z' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'expiresAt' }] },
    })
  })

  test('not by anything else', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    for (const body of [{}, { protected: 'yes' }, { expiresAt: 'soon' }, { protected: true, status: 'ready' }])
      expect(await change(pool, id, body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  })

  test('to end at a time only as long as somebody has claimed it', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    expect(await change(pool, id, { expiresAt })).toMatchObject({ status: 409, body: { code: 'WRONG_STATUS' } })
    expect((await change(pool, id, { expiresAt: null })).status).toBe(200)
  })

  test('not when there is none, nor while it is being deleted: not even when that begins just now', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    expect((await change(pool, 'nobody', { protected: true })).status).toBe(404)
    const tx = await pool.db.connect()
    await tx.query('begin')
    await tx.query('set local convos.unaudited = on')
    await tx.query({ text: `update instances set status = 'deleting' where id = $1`, values: [id] })
    const changing = change(pool, id, { protected: true })
    await waitForLock(pool, 'for update')
    await tx.query('commit')
    tx.release()
    expect(await changing).toMatchObject({ status: 409, body: { code: 'WRONG_STATUS' } })
    expect((await eventsOf(pool, id)).map(({ type }) => type)).not.toContain('protected')
  })
})

describe('an instance is looked into', () => {
  test('by its logs', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    const { status, body } = await pool.call('GET', `/api/pool/instances/${id}/logs?limit=3`)
    expect([status, (body['lines'] as unknown[]).length]).toEqual([200, 3])
    expect((await pool.call('GET', `/api/pool/instances/${id}/logs?limit=501`)).status).toBe(400)
    expect((await pool.call('GET', '/api/pool/instances/nobody/logs')).status).toBe(404)
    expect(pool.services.called(/nobody/)).toEqual([])
  })

  test('by asking it at once, but not again within 5 s, whichever replica is asked', async () => {
    const pool = scoped(await testPool())
    const other = scoped(await pool.replica())
    const [id = '', another = ''] = await seedReady(pool, 2)
    expect((await pool.call('GET', `/api/pool/debug/${id}`)).body).toMatchObject({ instanceId: id, state: 'healthy' })
    for (const replica of [pool, other]) {
      const answer = await replica.call('GET', `/api/pool/debug/${id}`)
      expect(answer).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await other.call('GET', `/api/pool/debug/${another}`)).status).toBe(200)
    expect((await pool.call('GET', '/api/pool/debug/nobody')).status).toBe(404)
    expect(pool.services.called(/\/debug/)).toHaveLength(2)
  })

  test('by its tools, which are changed as their provider lets them', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    setTool(pool.services, id, { toolId: 'openrouter', resourceId: 'r', state: 'active' })
    const path = `/api/pool/instances/${id}/tools/openrouter`
    expect((await pool.call('GET', path)).body).toMatchObject({
      toolId: 'openrouter',
      config: { limit: 20 },
      usage: { at: expect.any(String), sample: { used: 3 } },
    })
    expect((await pool.call('PATCH', path, { body: { limit: 50 } })).body).toMatchObject({ config: { limit: 50 } })
    expect(pool.services.called(/PATCH/)[0]?.body).toEqual({ limit: 50 })
    expect((await pool.call('GET', `/api/pool/instances/${id}/tools/..%2f..%2fdestroy`)).status).toBe(400)
  })

  test('and what services says about it is passed on; what is between pool and services is a 503', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    setTool(pool.services, id, { toolId: 'openrouter', resourceId: 'r', state: 'active' })
    const refusals = [
      [400, 'INVALID_REQUEST', 400, 'INVALID_REQUEST'],
      [404, 'TOOL_UNKNOWN', 404, 'TOOL_UNKNOWN'],
      [409, 'TOOL_NOT_ACTIVE', 409, 'TOOL_NOT_ACTIVE'],
      [422, 'TOO_MUCH', 422, 'TOO_MUCH'],
      [502, 'PROVIDER_FAILED', 502, 'PROVIDER_FAILED'],
      [409, 'ENVIRONMENT_MISMATCH', 503, 'SERVICES_UNAVAILABLE'],
      [500, 'INTERNAL', 503, 'SERVICES_UNAVAILABLE'],
    ] as const
    for (const [status, code, answered, as] of refusals) {
      pool.services.onUpdateTool = () => {
        throw problem(status, code, { errors: [{ path: 'limit', message: 'no' }] })
      }
      const { body } = await pool.call('PATCH', `/api/pool/instances/${id}/tools/openrouter`, { body: { limit: -1 } })
      expect(body).toMatchObject({ status: answered, code: as, ...(answered < 500 ? { errors: [{ path: 'limit' }] } : {}) })
    }
  })

  test('or not, while services cannot be reached: 503, and when to come again', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    await pool.services.close()
    const answer = await pool.call('GET', `/api/pool/instances/${id}/logs`)
    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICES_UNAVAILABLE' } })
    expect(answer.headers.get('retry-after')).toBe('5')
  })
})

describe('recycling', () => {
  test('is asked of who knows whether it can be, and nothing is written when it cannot', async () => {
    const pool = scoped(await testPool())
    const id = await claimed(pool)
    const [ready = ''] = await seedReady(pool, 1)
    const recycle = (which: string) => pool.call('POST', `/api/pool/instances/${which}/recycle`)
    expect(await recycle(id)).toMatchObject({ status: 409, body: { code: 'NOT_SUPPORTED' } })
    expect(await statusOf(pool.db, id)).toBe('claimed')
    expect(await recycle(ready)).toMatchObject({ status: 409, body: { code: 'WRONG_STATUS' } })
    expect((await recycle('nobody')).status).toBe(404)
    expect(pool.services.called(new RegExp(`GET /instances/(?!${id})`))).toEqual([])
  })
})

describe('forgetting', () => {
  const forget = (pool: TestPool, id: string, p: { body?: unknown; key?: string } = { body: { reason: 'gone by hand' } }) =>
    pool.call('DELETE', `/api/pool/instances/${id}?forget=1`, p)

  test('closes the row of an instance whose end does not come, and keeps what services last said of it', async () => {
    const pool = scoped(await testPool())
    const id = newInstanceId()
    const tools = [{ toolId: 'sms', resourceId: 'n', state: 'destroying' }]
    pool.services.instances.set(id, detailOf('destroying', { tools }))
    await seedRows(pool.db, [id], 'deleting')
    await pool.parts.fleet.look({ ids: [id] })
    const { status, body } = await forget(pool, id)
    expect([status, body['kind']]).toEqual([202, 'forget'])
    expect(await finished(pool, body)).toMatchObject({ state: 'done', done: 1 })
    expect(await statusOf(pool.db, id)).toBeNull()
    expect((await eventsOf(pool, id)).at(-1)).toMatchObject({
      type: 'forgotten',
      reason: 'gone by hand',
      actor: 'key:pool',
      detail: { phase: 'destroying', tools },
    })
    // asking again is fine
    expect((await forget(pool, id)).body).toMatchObject({ state: 'done' })
  })

  test('is for operators, for what is being deleted, and with a reason', async () => {
    const pool = scoped(await testPool())
    const { key } = await makeKey(pool)
    const id = await claimed(pool, {}, key)
    expect(await forget(pool, id, { body: { reason: 'mine' }, key })).toMatchObject({ status: 403 })
    expect(await forget(pool, id)).toMatchObject({ status: 409, body: { code: 'NOT_DELETING' } })
    for (const body of [undefined, {}, { reason: ' ' }, { reason: 'x', sure: true }])
      expect(await forget(pool, id, { body })).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    expect(await pool.call('DELETE', `/api/pool/instances/${id}`, { body: { reason: 'x' } })).toMatchObject({ status: 400 })
    expect((await forget(pool, 'nobody')).status).toBe(404)
    expect(await statusOf(pool.db, id)).toBe('claimed')
  })
})

test('a claimer is not shown who had its box before, and gave it back', async () => {
  const pool = scoped(await testPool())
  const [before, mine] = [await makeKey(pool), await makeKey(pool)]
  const [id = ''] = await seedReady(pool, 1)
  pool.services.registryIs = 'down'
  expect((await pool.claim({}, { key: before.key })).status).toBe(503)
  pool.services.registryIs = 'up'
  expect((await pool.claim({}, { key: mine.key })).body).toMatchObject({ instanceId: id })
  const shown = await pool.call('GET', `/api/pool/instances/${id}`, { key: mine.key })
  expect(shown.text).toContain('touched')
  expect(shown.text).not.toContain(before.id)
  expect((await pool.call('GET', `/api/pool/instances/${id}`)).text).toContain(before.id)
})
