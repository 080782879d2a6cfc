import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test, vi } from 'vitest'
import { Activity, InstanceEvent } from '../src/contract/index.ts'
import { listFleet, recordObservations } from '../src/db/instances.ts'
import { LIMITS } from '../src/limits.ts'
import { observe } from '../src/fleet/status.ts'
import { detailOf, healthOf, problem } from './fake-services.ts'
import { type PoolOptions, seedReady, seedRows, testDatabase, type TestPool, testPool, unaudited } from './harness.ts'

vi.setConfig({ testTimeout: 60_000 })

const STILL: PoolOptions = { env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000, changesWaitMs: 25_000 } }
const still = (limits: PoolOptions['limits'] = {}) => testPool({ ...STILL, limits: { ...STILL.limits, ...limits } })

const LOOSE = { ...LIMITS, stuckTimeoutMs: 0, pendingTimeoutMs: 0 }

const NOTE = `insert into instance_events (type, actor) values ($1, 'test')`
const note = (pool: Pick<TestPool, 'db'>, ...types: string[]) =>
  Promise.all(types.map((type) => pool.db.query({ text: NOTE, values: [type] })))

const activity = async (pool: TestPool, query = ''): Promise<Activity> =>
  Activity.parse((await pool.call('GET', `/api/pool/activity?${query}`)).body)

/**
 * The log from its beginning, once `type` can be seen: another test's open transaction may keep it back, and so may whatever
 * else writes to the cluster, be it a database that is copied.
 */
const upTo = (pool: TestPool, type: string, query = 'after=0-0') =>
  eventually(
    `${type} in the log`,
    async () => {
      const { events } = await activity(pool, query)
      if (events.some((event) => event.type === type)) return events
      const { rows: writers } = await pool.db.query(WRITERS)
      throw new Error(
        `seen: ${events.map((event) => event.type).join()}; writers: ${JSON.stringify(writers)}; ${pool.logged.at(-1)}`,
      )
    },
    { timeoutMs: 30_000 },
  )
const WRITERS = `
  select datname, state, clock_timestamp() - xact_start as age, left(query, 100) as query from pg_stat_activity where backend_xid is not null`

describe('the tests’ own database refuses', () => {
  test.each([
    ['a move', `update instances set status = 'stuck'`, 'no event tells'],
    ['an instance that comes', `insert into instances (id, status) values ('newinstance0', 'starting')`, 'no event'],
    ['an instance that goes', 'delete from instances', 'no event tells'],
    [
      'a claim that comes',
      `insert into claims (id, principal, body_hmac, mode, agent_name, wait_until, lease_until)
      values ('c', 'p', 'b', 'create', 'A', now(), now())`,
      'no event tells',
    ],
  ])('%s that no event tells of', async (_what, change, why) => {
    const { db } = scoped(await testDatabase())
    await seedRows(db, ['seededrow000'])
    await expect(db.query(change)).rejects.toThrow(why)
    await unaudited(db, change)
  })

  test('a move that is none, however it is told', async () => {
    const { db } = scoped(await testDatabase())
    await seedRows(db, ['seededrow000'], 'stuck')
    const move = withTransaction(db, async (tx) => {
      await tx.query(`update instances set status = 'starting'`)
      await tx.query(`insert into instance_events (instance_id, type, from_status, to_status, actor)
        select id, 'odd', 'stuck', 'starting', 'test' from instances`)
    })
    await expect(move).rejects.toThrow('no instance goes from stuck to starting')
  })

  test('a move that another one’s event tells of', async () => {
    const { db } = scoped(await testDatabase())
    await seedRows(db, ['seededrow000'], 'stuck')
    const event = `insert into instance_events (instance_id, type, from_status, to_status, actor)
      values ('seededrow000', 'odd', 'stuck', 'deleting', 'test')`
    await db.query(event)
    await expect(db.query(`update instances set status = 'deleting'`)).rejects.toThrow('no event tells')
  })
})

describe('what is done for a claim is told with the request that made it', () => {
  test('from the queue to its agent, and its end with the request that ended it', async () => {
    const pool = scoped(await still())
    const [id = ''] = await seedReady(pool, 1)
    const { status, body } = await pool.claim({}, { headers: { 'x-request-id': 'claim-it' } })
    expect(status, JSON.stringify(body)).toBe(200)
    const end = await pool.call('DELETE', `/api/pool/instances/${id}`, { headers: { 'x-request-id': 'end-it' } })
    expect(end.status, end.text).toBe(202)
    const all = await upTo(pool, 'removed', `after=0-0&claimId=${String(body['claimId'])}`)
    const events = all.filter((e) => e.type !== 'observed')
    expect(events.map((e) => [e.type, e.from, e.to, e.requestId])).toEqual([
      ['claim_queued', null, null, 'claim-it'],
      ['reserved', 'ready', 'claiming', 'claim-it'],
      ['touched', null, null, 'claim-it'],
      ['claimed', 'claiming', 'claimed', 'claim-it'],
      ['kill', 'claimed', 'deleting', 'end-it'],
      ['claim_ended', null, null, 'end-it'],
      ['removed', 'deleting', null, null],
    ])
    expect(events.filter((e) => e.reason === null).map((e) => e.type)).toEqual(['claim_queued'])
    expect(events.filter((e) => e.actor !== 'key:pool').map((e) => e.type)).toEqual(['removed'])
  })

  test('in the queue: failed by pool, or given up', async () => {
    const pool = scoped(await still({ claimPollMs: 20 }))
    const headers = { 'x-request-id': 'claim-it' }
    await pool.claim({}, { headers })
    const [, failed] = await upTo(pool, 'claim_failed')
    expect(failed).toMatchObject({ requestId: 'claim-it', actor: 'pool', reason: 'no instance is ready', instanceId: null })

    const waiting = pool.claim({ waitMs: 10_000 }, { headers: { ...headers, 'idempotency-key': 'k' } })
    const claimId = await eventually('the claim', async () => {
      const { rows } = await pool.db.query<{ id: string }>(`select id from claims where state = 'queued'`)
      return rows[0]?.id
    })
    await pool.call('DELETE', `/api/pool/claims/${claimId}`, { headers: { 'x-request-id': 'give-up' } })
    await waiting
    const cancelled = (await upTo(pool, 'claim_cancelled')).at(-1)
    expect(cancelled).toMatchObject({ claimId, requestId: 'give-up', actor: 'key:pool', reason: 'it was given up' })
  })

  test('a box that it leaves', async () => {
    const pool = scoped(await still({ maxTainted: 1 }))
    const [id = ''] = await seedReady(pool, 1)
    pool.services.onConfigure = () => {
      throw problem(502, 'INSTANCE_FAILED', { fault: 'instance' })
    }
    await pool.claim({}, { headers: { 'x-request-id': 'claim-it' } })
    const events = await upTo(pool, 'tainted', `after=0-0&instanceId=${id}`)
    expect(events.find((e) => e.type === 'tainted')).toMatchObject({ from: 'claiming', to: 'stuck', requestId: 'claim-it' })
  })
})

test('what services reports is told where it is different, and not when it was probed', async () => {
  const { db } = scoped(await testDatabase())
  await seedRows(db, ['seededrow000'])
  const see = async (detail: ReturnType<typeof detailOf>) => {
    const [row] = await listFleet(db, {})
    const seen = row && observe(row, detail, LOOSE)
    await recordObservations(db, seen ? [seen] : [])
    const { rows } = await db.query<{ detail: object }>(`select detail from instance_events where type = 'observed' order by id`)
    return rows.map((event) => event.detail)
  }
  const wallet = (state: string) => ({ toolId: 'wallet', resourceId: 'w', state })
  const first = await see(detailOf('deploying', { tools: [wallet('creating')] }))
  expect(first).toEqual([
    { phase: { from: null, to: 'deploying' }, tools: { from: [], to: [{ toolId: 'wallet', state: 'creating' }] } },
  ])
  const up = { url: 'http://u.test', image: 'name@sha256:1', tools: [wallet('active')] }
  expect((await see(detailOf('healthy', up)))[1]).toEqual({
    phase: { from: 'deploying', to: 'healthy' },
    url: { from: null, to: 'http://u.test' },
    image: { from: null, to: 'name@sha256:1' },
    tools: { from: [{ toolId: 'wallet', state: 'creating' }], to: [{ toolId: 'wallet', state: 'active' }] },
  })
  const active = new Date(0).toISOString()
  const later = new Date(Date.now() + 600_000).toISOString()
  const same = { ...up, url: null, image: null, phaseSince: later, health: healthOf({ at: later, lastActivityAt: active }) }
  expect(await see(detailOf('healthy', same))).toHaveLength(2)
  const { rows } = await db.query<{ at: string }>(
    `select health ->> 'at' as at from instances where last_activity_at is not null`,
  )
  expect(rows[0]?.at).toBe(later)
})

describe('the log', () => {
  test('is paged from a cursor on, oldest first, and without one shows the latest', async () => {
    const pool = scoped(await still())
    for (const type of ['a', 'b', 'c', 'd', 'e']) await note(pool, type)
    await upTo(pool, 'e')
    const first = await activity(pool, 'after=0-0&limit=2')
    expect([first.events.map((e) => e.type), first.more]).toEqual([['a', 'b'], true])
    const second = await activity(pool, `after=${first.cursor}&limit=2`)
    expect([second.events.map((e) => e.type), second.more]).toEqual([['c', 'd'], true])
    const third = await activity(pool, `after=${second.cursor}&limit=2`)
    expect([third.events.map((e) => e.type), third.more]).toEqual([['e'], false])
    expect(await activity(pool, `after=${third.cursor}`)).toMatchObject({ events: [], more: false })

    const latest = await activity(pool, 'limit=2')
    expect(latest.events.map((e) => e.type)).toEqual(['d', 'e'])
    await note(pool, 'f')
    await upTo(pool, 'f')
    for (const { cursor } of [latest, third])
      expect((await activity(pool, `after=${cursor}`)).events.map((e) => e.type)).toEqual(['f'])
  })

  test('is filtered by type, instance and claim; a cursor goes past what does not match', async () => {
    const pool = scoped(await still())
    const [one = '', two = ''] = await seedReady(pool, 2)
    const { body } = await pool.claim()
    await pool.claim()
    await note(pool, 'last')
    await upTo(pool, 'last')
    const of = async (query: string) => (await activity(pool, `after=0-0&${query}`)).events
    expect(new Set((await of(`instanceId=${one}`)).map((e) => e.instanceId))).toEqual(new Set([one]))
    expect(new Set((await of(`claimId=${String(body['claimId'])}`)).map((e) => e.claimId))).toEqual(new Set([body['claimId']]))
    expect((await of('type=claimed')).map((e) => e.instanceId)).toEqual([one, two])
    expect(await of(`type=claimed&instanceId=${two}`)).toHaveLength(1)
    const none = await activity(pool, 'after=0-0&type=nothing')
    expect((await activity(pool, `after=${none.cursor}`)).events).toEqual([])
  })

  test('is read back from its end, page by page, whatever comes meanwhile', async () => {
    const pool = scoped(await still())
    for (const type of ['a', 'b', 'c', 'd', 'e']) await note(pool, type)
    await upTo(pool, 'e')
    const last = await activity(pool, 'limit=2')
    expect(last.events.map((e) => e.type)).toEqual(['d', 'e'])
    await note(pool, 'f')
    await upTo(pool, 'f')
    const middle = await activity(pool, `before=${last.earlier}&limit=2`)
    expect(middle).toMatchObject({ events: [{ type: 'b' }, { type: 'c' }], more: false })
    const first = await activity(pool, `before=${middle.earlier}&limit=2`)
    expect(first).toMatchObject({ events: [{ type: 'a' }], earlier: null })
    expect((await activity(pool, `after=${first.cursor}`)).events.map((e) => e.type)).toEqual(['b', 'c', 'd', 'e', 'f'])
    expect((await activity(pool, 'limit=6')).earlier).toBeNull()
    for (const query of ['before=nonsense', `before=${last.earlier}&after=0-0`, `before=${last.earlier}&format=jsonl`])
      expect(await pool.call('GET', `/api/pool/activity?${query}`), query).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'before' }] },
      })
  })

  test('is filtered by several types, by who did it in which request, and by time', async () => {
    const pool = scoped(await still())
    const row = `insert into instance_events (type, actor, request_id, at) values ($1, $2, $3, $4)`
    const at = (hour: number) => `2030-01-01T0${hour}:00:00.000Z`
    for (const values of [
      ['a', 'pool', null, at(1)],
      ['b', 'key:one', 'request 1', at(2)],
      ['c', 'key:one', 'request 2', at(3)],
      ['d', 'key:two', 'request 2', at(4)],
    ])
      await pool.db.query({ text: row, values })
    await upTo(pool, 'd')
    const of = async (query: string) => {
      const types = (page: Activity) => page.events.map((e) => e.type)
      const [latest, all] = await Promise.all([activity(pool, query), activity(pool, `after=0-0&${query}`)])
      expect(types(latest), query).toEqual(types(all))
      return types(latest).join('')
    }
    expect(await of('type=a&type=d')).toBe('ad')
    expect(await of('actor=key:one')).toBe('bc')
    expect(await of('requestId=request%202')).toBe('cd')
    expect(await of(`since=${at(2)}&until=${at(4)}`)).toBe('bc')
    expect(await of(`since=${encodeURIComponent('2030-01-01T04:00:00+01:00')}&actor=key:one`)).toBe('c')
    for (const query of ['since=yesterday', 'actor=%00', 'type=']) {
      const answer = await pool.call('GET', `/api/pool/activity?${query}`)
      expect(answer, query).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    }
  })

  test('keeps a reader behind an open transaction, so that what it commits is not passed over', async () => {
    const pool = scoped(await still())
    const { cursor } = await withTransaction(pool.db, async (slow) => {
      await slow.query({ text: NOTE, values: ['slow'] })
      await note(pool, 'quick')
      const page = await activity(pool, 'after=0-0')
      expect(page.events).toEqual([])
      return page
    })
    const events = await upTo(pool, 'quick', `after=${cursor}`)
    expect(events.map((e) => e.type)).toEqual(['slow', 'quick'])
  })

  test('is exported as lines, in batches, all of it or what matches', async () => {
    const pool = scoped(await still({ activityBatch: 2 }))
    for (const type of ['a', 'b', 'a', 'a', 'a']) await note(pool, type)
    const lines = async (query: string) => {
      const { text, headers } = await pool.call('GET', `/api/pool/activity?format=jsonl${query}`)
      expect(headers.get('content-type')).toMatch('application/x-ndjson')
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => InstanceEvent.parse(JSON.parse(line)).type)
    }
    await note(pool, 'last')
    await upTo(pool, 'last')
    expect(await lines('')).toEqual(['a', 'b', 'a', 'a', 'a', 'last'])
    expect(await lines('&type=a')).toEqual(['a', 'a', 'a', 'a'])
    expect(await lines('&limit=3')).toEqual(['a', 'b', 'a'])
    const { cursor } = await activity(pool, 'after=0-0&limit=5')
    expect(await lines(`&after=${cursor}`)).toEqual(['last'])
    expect(await lines('&type=nothing')).toEqual([])
  })

  test('does not know cursors that it never gave', async () => {
    const pool = scoped(await still())
    expect(await pool.call('GET', '/api/pool/activity?after=nonsense')).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', errors: [{ path: 'after' }] },
    })
    expect(await pool.call('GET', '/api/pool/activity?after=18446744073709551615-0')).toMatchObject({
      status: 410,
      body: { code: 'CURSOR_UNKNOWN' },
    })
    for (const query of ['limit=0', 'limit=1001', 'format=xml'])
      expect((await pool.call('GET', `/api/pool/activity?${query}`)).status, query).toBe(400)
  })
})
