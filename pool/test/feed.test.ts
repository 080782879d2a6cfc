import { get, type IncomingMessage } from 'node:http'
import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { readExtent } from '../src/db/feed.ts'
import { insertOperation } from '../src/db/operations.ts'
import { render } from '../src/feed/batch.ts'
import { isAfter, parseCursor, toCursor } from '../src/feed/cursor.ts'
import { type PoolOptions, seedReady, type TestPool, testPool } from './harness.ts'
import { makeKey } from './keys.ts'
import { listenTo } from './listen.ts'

/** Nothing happens by itself, and what happens is told at once. */
const STILL: PoolOptions = {
  env: { TICK_INTERVAL_MS: '600000' },
  limits: { readyPollMs: 600_000, changesWaitMs: 25_000, feedPollMs: 20, feedSoonMs: 0 },
}
const still = (limits: PoolOptions['limits'] = {}) => testPool({ ...STILL, limits: { ...STILL.limits, ...limits } })
const listen = async (...args: Parameters<typeof listenTo>) => scoped(await listenTo(...args))

const NOTE = `insert into instance_events (type, actor, detail) values ($1, 'test', $2)`
/** Something happens that is about nothing but itself. */
const note = (pool: Pick<TestPool, 'db'>, type: string, detail: object = {}) =>
  pool.db.query({ text: NOTE, values: [type, detail] })

/** Resolves when all that happened so far can be told, whatever other tests have open on this server. */
const settled = async (pool: TestPool) => {
  const { rows } = await pool.db.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
  await eventually('it to be over', async () => (await readExtent(pool.db)).horizon.xid > BigInt(rows[0]?.xid ?? 0))
}

/** Resolves when the log has been looked at a few more times. */
async function looks(pool: TestPool): Promise<void> {
  const spy = vi.mocked(pool.db.query).mock ? vi.mocked(pool.db.query) : vi.spyOn(pool.db, 'query')
  const seen = () => spy.mock.calls.filter(([q]) => JSON.stringify(q).includes('pg_snapshot_xmin')).length
  const before = seen()
  await eventually('the log to be looked at', () => seen() >= before + 3)
}

describe('an operator hears', () => {
  test('the counts, and then each change with what it is about as it stands now', async () => {
    const pool = scoped(await still())
    const [id = ''] = await seedReady(pool, 1)
    const l = await listen(pool)
    await l.until('the counts', () => l.data('counts').length === 1)
    expect(l.data('counts')[0]).toMatchObject({ idle: 1, claimed: 0 })
    expect(l.headers.get('content-type')).toBe('text/event-stream')
    expect(l.headers.get('cache-control')).toBe('no-store')
    expect(l.headers.get('x-accel-buffering')).toBe('no')

    const { body: claim } = await pool.claim({ agentName: 'heard' })
    await l.until('the end of it', () => l.types().includes('claimed') && l.data('counts').at(-1)?.claimed === 1)
    // services may be looked at in between
    const told = l.types(String(claim['claimId'])).filter((type) => type !== 'observed')
    expect(told).toEqual(['claim_queued', 'reserved', 'touched', 'claimed'])
    expect(l.data('instance').at(-1)).toMatchObject({ id, status: 'claimed', agentName: 'heard' })
    expect(l.data('claim').at(-1)).toMatchObject({
      claimId: claim['claimId'],
      status: 'done',
      gatewayToken: null,
      gatewayUrl: null,
    })
    expect(l.text).not.toContain(String(claim['gatewayToken']))
  })

  test('how an operation gets on, and that an instance is gone', async () => {
    const pool = scoped(await testPool({ limits: { feedPollMs: 20 }, env: { TICK_INTERVAL_MS: '100' } }))
    const [id = ''] = await seedReady(pool, 1)
    const l = await listen(pool)
    const { body } = await pool.call('POST', '/api/pool/drain', { body: { ids: [id] } })
    await l.until('it to be over', () => l.types().includes('removed'))
    expect(l.data('operation').at(-1)?.state).toBe('done')
    expect(l.data('operation')[0]).toMatchObject({ id: body['id'], kind: 'drain', total: 1 })
    expect(l.types()).toEqual(expect.arrayContaining(['operation_begun', 'drain']))
    expect(l.data('instance').at(-1)).toEqual({ id, deleted: true })
  })

  test('of an operation only what changes it: one that is over on an agent is not told again with all that happens to it', async () => {
    const pool = scoped(await still())
    const [id = ''] = await seedReady(pool, 1)
    await pool.claim()
    const item = { actor: 'o', requestId: null, items: [{ instanceId: id, work: true }] } as const
    for (const name of ['op_over', 'op_going']) await insertOperation(pool.db, { id: name, kind: 'sync', ...item })
    await insertOperation(pool.db, { id: 'op_filled', kind: 'replenish', ...item, items: [{ instanceId: id, begun: true }] })
    await pool.db.query(`update operation_items set done_at = clock_now() where operation_id = 'op_over'`)
    await settled(pool)
    const l = await listen(pool)
    await l.until('the counts', () => l.data('counts').length === 1)
    const seen = 'insert into instance_events (instance_id, type, actor) values ($1, $2, $3)'
    await pool.db.query({ text: seen, values: [id, 'observed', 'pool'] })
    await l.until('the observation', () => l.types().includes('observed'))
    expect(l.data('operation').map((operation) => operation.id)).toEqual(['op_going'])
  })

  test('that an operation was stopped, and which items came to nothing', async () => {
    const pool = scoped(await still())
    const [id = ''] = await seedReady(pool, 1)
    const l = await listen(pool)
    // it waits behind this row, and finds it claimed
    const body = await withTransaction(pool.db, async (tx) => {
      await tx.query('set local convos.unaudited = on')
      await tx.query(`update instances set status = 'claimed', claim_id = 'c', conversation_id = 'c' where id = '${id}'`)
      return (await pool.call('POST', '/api/pool/drain', { body: { ids: [id] } })).body
    })
    await l.until('the failed item', () => l.types().includes('operation_item_failed'))
    expect(l.data('operation').at(-1)).toMatchObject({ state: 'failed', items: [{ instanceId: id, state: 'failed' }] })
    await pool.call('DELETE', `/api/pool/operations/${String(body['id'])}`, { headers: { 'x-request-id': 'stop-it' } })
    await l.until('the stop', () => l.types().includes('operation_stopped'))
    expect(l.data('activity').at(-1)).toMatchObject({
      actor: 'key:pool',
      requestId: 'stop-it',
      detail: { operationId: body['id'] },
    })
    expect(l.data('operation').at(-1)?.state).toBe('stopped')
  })

  test('what another replica does', async () => {
    const pool = scoped(await still())
    const other = scoped(await pool.replica())
    await seedReady(pool, 1)
    const l = await listen(pool)
    const { body } = await other.claim()
    await l.until('it', () => l.data('claim').at(-1)?.status === 'done')
    expect(l.data('claim').at(-1)?.claimId).toBe(body['claimId'])
  })

  test('a change of this replica without waiting for the next look', async () => {
    const pool = scoped(await still({ feedPollMs: 600_000 }))
    await seedReady(pool, 1)
    const l = await listen(pool)
    await pool.claim()
    await l.until('it', () => {
      // told again: another test's open transaction may have kept it back
      pool.ctx.signals.emit('changed')
      return l.types().includes('claimed')
    })
  })

  test('each instance once in what is told at once, beside its latest event', async () => {
    const pool = scoped(await still())
    const l = await listen(pool)
    await withTransaction(pool.db, async (tx) => {
      for (const type of ['one', 'two', 'three'])
        await tx.query(`insert into instance_events (type, actor, instance_id) values ($1, 'test', 'nobody')`, [type])
    })
    await l.until('all three', () => l.types().length === 3)
    expect(l.messages.slice(1).map((m) => (m.event === 'activity' ? m.data.type : m.event))).toEqual([
      'one',
      'two',
      'instance',
      'three',
    ])
  })
})

describe('the order of what is told', () => {
  test('an earlier id that is committed later is told once, and nothing is lost around it', async () => {
    const pool = scoped(await still())
    const l = await listen(pool)
    await note(pool, 'before')
    await withTransaction(pool.db, async (slow) => {
      await slow.query({ text: NOTE, values: ['slow', {}] })
      await note(pool, 'quick')
      await looks(pool)
      // told now, it would be past the one that is not to be seen yet
      expect(l.types()).not.toContain('quick')
    })
    await note(pool, 'after')
    await l.until('the last', () => l.types().includes('after'))
    expect(l.types()).toEqual(['before', 'slow', 'quick', 'after'])
  })

  test('neither is one lost whose transaction began first and wrote last', async () => {
    const pool = scoped(await still())
    const l = await listen(pool)
    await withTransaction(pool.db, async (slow) => {
      await slow.query('select pg_current_xact_id()')
      await note(pool, 'quick')
      await looks(pool)
      await slow.query({ text: NOTE, values: ['slow', {}] })
    })
    await l.until('both', () => l.types().length === 2)
    await looks(pool)
    expect(l.types()).toEqual(['slow', 'quick'])
  })

  test('of cursors is that of transactions, and a cursor is what it was written as', () => {
    const position = fc.record({ xid: fc.bigInt(0n, 2n ** 64n - 1n), id: fc.bigInt(0n, 2n ** 63n - 1n) })
    fc.assert(
      fc.property(position, (p) => {
        expect(parseCursor(toCursor(p))).toEqual(p)
      }),
    )
    fc.assert(
      fc.property(position, position, (a, b) => {
        expect(isAfter(a, a)).toBe(false)
        if (toCursor(a) !== toCursor(b)) expect(isAfter(a, b)).toBe(!isAfter(b, a))
        if (a.xid > b.xid) expect(isAfter(a, b)).toBe(true)
      }),
    )
    for (const text of ['', '1', '1-', '-1', '1-2-3', ' 1-2', '1-2\n', '99999999999999999999-1', '1-9999999999999999999', 'a-b'])
      expect(parseCursor(text), text).toBeNull()
  })
})

describe('who comes back', () => {
  test('is told exactly what it missed, however much, while the others hear no more than before', async () => {
    const pool = scoped(await still({ feedBatch: 2 }))
    const stays = await listen(pool)
    const leaves = await listenTo(pool)
    await note(pool, 'seen')
    await leaves.until('the first', () => leaves.types().length === 1)
    leaves[Symbol.dispose]()
    const missed = Array.from({ length: 7 }, (_, n) => `missed ${n}`)
    for (const type of missed) await note(pool, type)
    await stays.until('all', () => stays.types().length === 8)

    const byHeader = await listen(pool, { lastEventId: leaves.lastId })
    const byQuery = await listen(pool, { query: `?lastEventId=${leaves.lastId}` })
    const newer = await listen(pool, { query: '?lastEventId=0-0', lastEventId: stays.lastId })
    await note(pool, 'live')
    for (const l of [byHeader, byQuery]) {
      await l.until('the live one', () => l.types().includes('live'))
      expect(l.types()).toEqual([...missed, 'live'])
      expect(l.data('reset')).toEqual([])
    }
    await newer.until('the live one', () => newer.types().includes('live'))
    expect(newer.types()).toEqual(['live'])
    expect(stays.types().filter((type) => type.startsWith('missed'))).toEqual(missed)
  })

  test('to another replica is told there what it missed', async () => {
    const pool = scoped(await still())
    const other = scoped(await pool.replica())
    const first = await listenTo(pool)
    await note(pool, 'seen')
    await first.until('it', () => first.types().length === 1)
    first[Symbol.dispose]()
    await note(pool, 'missed')
    const second = await listen(other, { lastEventId: first.lastId })
    await second.until('it', () => second.types().length === 1)
    expect(second.types()).toEqual(['missed'])
  })

  test('to a replica that has not looked yet is not told twice', async () => {
    const late = scoped(await still({ feedPollMs: 600_000 }))
    const other = scoped(await late.replica())
    // someone listens there, so that its place in the log is an old one
    await listen(late)
    const first = await listenTo(other)
    await note(other, 'seen')
    await first.until('it', () => {
      other.ctx.signals.emit('changed')
      return first.types().length === 1
    })
    first[Symbol.dispose]()
    const second = await listen(late, { lastEventId: first.lastId })
    await note(other, 'next')
    await second.until('it', () => {
      late.ctx.signals.emit('changed')
      return second.types().includes('next')
    })
    expect(second.types()).toEqual(['next'])
  })

  test('after a message was cut in the middle misses nothing, and is told no event twice', () => {
    const place = (n: number) => ({ xid: BigInt(n), id: 1n })
    const frames = (n: number, beside: number) => [
      ...Array.from({ length: beside }, () => ({ text: `event: instance\ndata: ${n}\n`, principal: null })),
      { text: `event: activity\ndata: ${n}\n`, principal: null },
    ]
    const told = (text: string) => [...text.matchAll(/^event: activity\ndata: (\d+)\nid: .*\n\n/gm)].map(([, n]) => Number(n))
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1 }), fc.nat(), (besides, cut) => {
        const entries = besides.map((beside, n) => ({ place: place(n + 1), frames: frames(n + 1, beside) }))
        const batch = { entries, counts: null, at: place(entries.length) }
        const whole = render(batch, { id: 'o', role: 'operator' }, place(0))
        const got = whole.slice(0, cut % (whole.length + 1))
        const lastId = [...got.matchAll(/^id: (.*)\n\n/gm)].at(-1)?.[1] ?? '0-1'
        const rest = render(batch, { id: 'o', role: 'operator' }, parseCursor(lastId) ?? place(0))
        expect([...told(got), ...told(rest)]).toEqual(besides.map((_, n) => n + 1))
      }),
    )
  })

  test('before anything happened hears what happens meanwhile', async () => {
    const pool = scoped(await still())
    const first = await listenTo(pool)
    await first.until('the counts', () => first.data('counts').length === 1)
    first[Symbol.dispose]()
    await note(pool, 'meanwhile')
    const second = await listen(pool, { lastEventId: first.lastId })
    await second.until('it', () => second.types().length === 1)
    expect(second.data('reset')).toEqual([])
  })

  test.each(['nonsense', '', '18446744073709551615-1'])(
    'with the unknown cursor "%s" starts anew and goes on from now',
    async (lastEventId) => {
      const pool = scoped(await still())
      await note(pool, 'before')
      await settled(pool)
      const l = await listen(pool, { query: `?lastEventId=${lastEventId}` })
      await l.until('the counts', () => l.data('counts').length === 1)
      expect(l.messages.map((m) => m.event)).toEqual(['reset', 'counts'])
      await note(pool, 'after')
      await l.until('the next', () => l.types().length > 0)
      expect(l.types()).toEqual(['after'])
      const again = await listen(pool, { lastEventId: l.lastId })
      await again.until('the counts', () => again.data('counts').length === 1)
      expect(again.data('reset')).toEqual([])
    },
  )

  test('after what it missed was pruned starts anew; what was pruned before it left is none of its business', async () => {
    const pool = scoped(await still())
    const l = await listenTo(pool)
    await note(pool, 'seen')
    await l.until('it', () => l.types().length === 1)
    l[Symbol.dispose]()
    await pool.db.query({
      text: `update settings set feed_pruned_to = $1::xid8`,
      values: [l.lastId.split('-')[0]],
    })
    const spared = await listen(pool, { lastEventId: l.lastId })
    await spared.until('the counts', () => spared.data('counts').length === 1)
    expect(spared.data('reset')).toEqual([])

    await pool.db.query('update settings set feed_pruned_to = pg_current_xact_id()')
    const reset = await listen(pool, { lastEventId: l.lastId })
    await reset.until('the counts', () => reset.data('counts').length === 1)
    expect(reset.data('reset')).toEqual([{}])
  })

  test('while nothing happened has a cursor that moves on all the same', async () => {
    const pool = scoped(await still({ feedHeartbeatMs: 20 }))
    const { key } = await makeKey(pool)
    const l = await listen(pool, { key })
    await l.until('a first id', () => l.lastId !== '')
    const first = l.lastId
    await note(pool, 'nothing for a claimer')
    await l.until('another', () => l.lastId !== first)
    expect(l.messages).toEqual([])
  })
})

test('a claimer hears of its own claims alone, and never a token', async () => {
  const pool = scoped(await still())
  await seedReady(pool, 2)
  const [mine, theirs] = [await makeKey(pool), await makeKey(pool)]
  const l = await listen(pool, { key: mine.key })
  const { body: other } = await pool.claim({ agentName: 'theirs' }, { key: theirs.key })
  const { body: own } = await pool.claim({ agentName: 'mine' }, { key: mine.key })
  await l.until('its claim', () => l.data('claim').at(-1)?.status === 'done')
  await pool.call('DELETE', `/api/pool/claims/${String(own['claimId'])}`, { key: mine.key })
  await l.until('its end', () => l.data('claim').at(-1)?.status === 'ended')
  expect(new Set(l.messages.map((m) => m.event))).toEqual(new Set(['claim']))
  expect(new Set(l.data('claim').map((c) => c.claimId))).toEqual(new Set([own['claimId']]))
  for (const hidden of [...pool.services.tokens, String(other['claimId']), 'theirs']) expect(l.text).not.toContain(hidden)
})

describe('a stream ends', () => {
  const login = async (pool: TestPool, key: string) => {
    const { headers } = await pool.call('POST', '/api/session', { key: null, body: { key } })
    return headers.get('set-cookie')?.split(';')[0] ?? ''
  }

  test('when its session does', async () => {
    const pool = scoped(await still({ feedHeartbeatMs: 20 }))
    const cookie = await login(pool, pool.key)
    const l = await listen(pool, { cookie })
    await l.until('a heartbeat', () => l.text.split(': \n').length > 3)
    await pool.call('DELETE', '/api/session', {
      key: null,
      headers: { cookie, origin: 'http://localhost:3001', 'content-type': 'application/json' },
    })
    await l.ended
    await expect(listenTo(pool, { cookie })).rejects.toThrow('401')
  })

  test('when its key is revoked, and with it the session made from it', async () => {
    const pool = scoped(await still({ feedHeartbeatMs: 20 }))
    const { id, key } = await makeKey(pool, { role: 'operator' })
    const streams = [await listen(pool, { key }), await listen(pool, { cookie: await login(pool, key) })]
    const stays = await listen(pool)
    await pool.call('DELETE', `/api/keys/${id}`)
    await Promise.all(streams.map((l) => l.ended))
    await note(pool, 'still heard')
    await stays.until('it', () => stays.types().includes('still heard'))
  })

  test('after its time, with a hint when to come back', async () => {
    const pool = scoped(await still({ feedStreamMs: 50 }))
    const l = await listen(pool)
    await l.ended
    expect(l.retryMs).toBeGreaterThan(0)
    expect(pool.parts.feed.listeners).toBe(0)
  })

  test('at once where only its head is asked for', async () => {
    const pool = scoped(await still())
    expect((await pool.call('HEAD', '/api/pool/events')).headers.get('content-type')).toMatch('text/event-stream')
  })

  test('at once when the replica stops, and no other begins', async () => {
    const pool = scoped(await still())
    const streams = [await listen(pool), await listen(pool)]
    const stopping = pool.parts.stop()
    await Promise.all(streams.map((l) => l.ended))
    await expect(listenTo(pool)).rejects.toThrow('SHUTTING_DOWN')
    await stopping
  })

  test('when nobody reads it, and resumes where it was read to', async () => {
    const pool = scoped(await still({ feedBufferBytes: 100_000 }))
    const { response, text } = await unread(pool)
    const long = 'x'.repeat(1_000_000)
    await eventually('it to be cut off', async () => {
      await note(pool, 'long', { long })
      return pool.parts.feed.listeners === 0
    })
    const { rows } = await pool.db.query<{ id: string }>(`select id from instance_events where type = 'long' order by id`)
    response.resume()
    const read = await text
    const got = [...read.matchAll(/^event: activity\ndata: \{"id":"(\d+)".*\nid: .*\n\n/gm)].map(([, id]) => id)
    expect(got.length).toBeLessThan(rows.length)
    const lastEventId = [...read.matchAll(/^id: (.*)\n\n/gm)].at(-1)?.[1] ?? ''
    const again = await listen(pool, { lastEventId })
    await again.until('the rest', () => got.length + again.types().length >= rows.length)
    expect([...got, ...again.data('activity').map((e) => e.id)]).toEqual(rows.map(({ id }) => id))
  })
})

/** A listener that takes the answer's head and then stops reading; `text` is what it finds when it goes on. */
async function unread(pool: TestPool): Promise<{ response: IncomingMessage; text: Promise<string> }> {
  const headers = { authorization: `Bearer ${pool.key}` }
  const response = await new Promise<IncomingMessage>((resolve) => {
    get(`${pool.url}/api/pool/events`, { headers }, resolve)
  })
  let read = ''
  const text = new Promise<string>((resolve) => {
    response.setEncoding('utf8').on('data', (chunk: string) => (read += chunk))
    // cut off: what came before is all there is
    response.on('error', () => {}).on('close', () => resolve(read))
  })
  response.pause()
  return { response, text }
}
