import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { STATUSES, type Status } from '../src/contract/index.ts'
import { beginDeleting, moveInstances } from '../src/db/moves.ts'
import { keepBox, leaveBox, markTouched } from '../src/db/owned.ts'
import { insertClaim } from '../src/db/claims.ts'
import { allowed } from '../src/fleet/lifecycle.ts'
import { newInstanceId } from '../src/naming.ts'
import { detailOf, healthOf } from './fake-services.ts'
import {
  countRows,
  reserveNext,
  seedReady,
  seedRows,
  statusOf,
  testDatabase,
  testPool,
  unaudited,
  waitForLock,
} from './harness.ts'
import { finished } from './operating.ts'

describe('drain', () => {
  test('of a number takes the oldest ready ones, and shows its progress', async () => {
    const pool = scoped(await testPool())
    const [oldest, second, kept = ''] = await seedReady(pool, 3)
    const begun = await pool.call('POST', '/api/pool/drain', { body: { count: 2 } })
    expect(begun).toMatchObject({ status: 202, body: { kind: 'drain', total: 2 } })
    expect(await finished(pool, begun.body)).toMatchObject({
      state: 'done',
      done: 2,
      items: [
        { instanceId: oldest, state: 'done' },
        { instanceId: second, state: 'done' },
      ],
    })
    expect(await statusOf(pool.db, kept)).toBe('ready')
    expect(new Set(pool.services.called(/destroy/).map((call) => call.path)).size).toBe(2)
  })

  test('of ids says what cannot be drained, and why', async () => {
    const pool = scoped(await testPool())
    const ids = await seedReady(pool, 2)
    // not always the older: one whose health is being written down is passed over
    const claimed = (await pool.claim()).body['instanceId']
    const ready = ids.find((id) => id !== claimed)
    const { body } = await pool.call('POST', '/api/pool/drain', { body: { ids: [claimed, ready, 'nobody'] } })
    expect(await finished(pool, body)).toMatchObject({
      state: 'failed',
      done: 1,
      failed: 2,
      items: [
        { instanceId: claimed, state: 'failed', error: 'only ready or starting instances can be drained' },
        { instanceId: ready, state: 'done' },
        { instanceId: 'nobody', state: 'failed', error: 'there is no such instance' },
      ],
    })
    expect(await countRows(pool.db, 'claimed')).toBe(1)
  })

  test('ends nothing that was not looked at just before, also where another replica is at the same drain', async () => {
    const still = { env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000, operationBatch: 1 } }
    const pool = scoped(await testPool(still))
    await pool.parts.tick.stop()
    const [first = '', theirs = ''] = await seedReady(pool, 2)
    // this database is an older copy, and does not know that somebody has it by now
    const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId: 'clm_of_the_newer_world' })
    pool.services.set(theirs, { health })
    const { look } = pool.parts.fleet
    pool.parts.fleet.look = async (...p) => {
      await look(...p)
      await pool.db.query({
        values: [first],
        text: 'update operation_items set begun_at = clock_now() where instance_id = $1 and begun_at is null',
      })
    }
    const { body } = await pool.call('POST', '/api/pool/drain', { body: { all: true } })
    await eventually('the other to be left alone', async () => {
      pool.ctx.signals.emit('operation')
      const { body: now } = await pool.call('GET', `/api/pool/operations/${String(body['id'])}`)
      return (now as { failed: number }).failed === 1
    })
    expect(await statusOf(pool.db, theirs)).toBe('crashed')
    expect(pool.services.called(/DELETE .destroy/)).toEqual([])
  })

  test('without refill pauses the refill until it is resumed', async () => {
    const pool = scoped(await testPool({ env: { POOL_MIN_IDLE: '1', TICK_INTERVAL_MS: '100' } }))
    await eventually('one ready', async () => (await countRows(pool.db, 'ready')) === 1)
    const { body } = await pool.call('POST', '/api/pool/drain', { body: { all: true, refill: false } })
    await finished(pool, body)
    expect((await pool.call('GET', '/api/pool/status')).body['held']).toMatchObject({ code: 'PAUSED' })
    expect(await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })).toMatchObject({
      status: 409,
      body: { code: 'PAUSED' },
    })
    expect((await pool.call('PATCH', '/api/pool/settings', { body: { paused: false } })).body).toMatchObject({ paused: false })
    await eventually('one ready again', async () => (await countRows(pool.db, 'ready')) === 1)
  })

  test('and a claim of the same box: one of them wins, never both', async () => {
    // no pool: one that looks at the box at this moment would keep the claim off it
    const pool = scoped(await testDatabase())
    const seed = async () => {
      const id = newInstanceId()
      await seedRows(pool.db, [id])
      return id
    }
    const claims = (id: string) =>
      insertClaim(pool.db, {
        id,
        principal: 'p',
        idemKey: null,
        bodyHmac: id,
        joinHash: null,
        mode: 'create',
        agentName: 'A',
        waitMs: 60_000,
        leaseMs: 60_000,
        requestId: null,
      })
    const deadlines = { createMs: 30_000, joinMs: 20_000, leaseExtraMs: 15_000 }
    const drain = {
      from: ['ready', 'starting'] as Status[],
      claimId: null,
      type: 'drain',
      reason: 'drained',
      actor: 'test',
      requestId: null,
    }

    // the claim holds the row: the drain waits for it, and then leaves it alone
    const won = await seed()
    await claims('c1')
    const tx = await pool.db.connect()
    await tx.query('begin')
    expect(await reserveNext(tx, deadlines)).toMatchObject({ instanceId: won })
    const drained = withTransaction(pool.db, (other) => beginDeleting(other, { ...drain, ids: [won] }))
    await tx.query('commit')
    tx.release()
    expect(await drained).toEqual([])
    expect(await statusOf(pool.db, won)).toBe('claiming')

    // the drain holds the row: the claim skips it
    const lost = await seed()
    await claims('c2')
    await withTransaction(pool.db, async (draining) => {
      expect(await beginDeleting(draining, { ...drain, ids: [lost] })).toEqual([lost])
      expect(await reserveNext(pool.db, deadlines)).toBeNull()
    })
    expect(await statusOf(pool.db, lost)).toBe('deleting')
  })

  test('that is stopped begins no further items', async () => {
    const pool = scoped(await testPool({ limits: { operationBatch: 1 } }))
    await seedReady(pool, 3)
    // the first item waits for a row that somebody holds; the others have not begun
    const tx = await pool.db.connect()
    await tx.query('begin')
    await tx.query(`select id from instances for update`)
    const { body } = await pool.call('POST', '/api/pool/drain', { body: { all: true } })
    await waitForLock(pool, `set status = 'deleting'`)
    const stopped = pool.call('DELETE', `/api/pool/operations/${String(body['id'])}`)
    await waitForLock(pool, 'stopped_at')
    await tx.query('commit')
    tx.release()
    expect((await stopped).status).toBe(200)
    expect(await finished(pool, body)).toMatchObject({ state: 'stopped', done: 1, failed: 2 })
    expect(await countRows(pool.db, 'ready')).toBe(2)
  })

  test('survives a restart: another replica goes on with it', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' } }))
    const ids = await seedReady(pool, 2)
    await pool.db.query(`insert into operations (id, kind, actor) values ('op_left', 'drain', 'test')`)
    await pool.db.query({
      text: `insert into operation_items (operation_id, seq, instance_id) select 'op_left', n, id from unnest($1::text[]) with ordinality as i(id, n)`,
      values: [ids],
    })
    const other = scoped(await pool.replica())
    expect(await finished(other, { id: 'op_left' })).toMatchObject({ state: 'done', done: 2 })
  })
})

describe('kill', () => {
  test('ends an instance for good: twice is fine, even after it is gone, and unknown is 404', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    const first = await pool.call('DELETE', `/api/pool/instances/${id}`)
    const second = await pool.call('DELETE', `/api/pool/instances/${id}/destroy`)
    expect([first.status, second.status]).toEqual([202, 202])
    expect(await finished(pool, first.body)).toMatchObject({ kind: 'kill', state: 'done', total: 1, done: 1 })
    expect((await finished(pool, second.body))['state']).toBe('done')
    expect((await pool.call('DELETE', `/api/pool/instances/${id}`)).body).toMatchObject({ state: 'done' })
    expect((await pool.call('DELETE', '/api/pool/instances/nobody')).status).toBe(404)
  })

  test('goes on until services has heard it', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
    const id = newInstanceId()
    await seedRows(pool.db, [id])
    pool.services.set(id, detailOf('healthy'))
    // its wish did not arrive: services still shows it as healthy
    await unaudited(pool.db, `update instances set status = 'deleting' where id = $1`, [id])
    await eventually('it to be gone', async () => (await statusOf(pool.db, id)) === null)
  })

  test('spares a protected one, and dismiss takes crashed ones only', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    expect(await pool.call('DELETE', `/api/pool/crashed/${id}`)).toMatchObject({ status: 409, body: { code: 'NOT_CRASHED' } })
    await pool.db.query('update instances set protected = true')
    expect(await pool.call('DELETE', `/api/pool/instances/${id}`)).toMatchObject({ status: 409, body: { code: 'PROTECTED' } })
    await unaudited(pool.db, `update instances set protected = false, status = 'crashed'`)
    expect((await pool.call('DELETE', `/api/pool/crashed/${id}`)).status).toBe(202)
  })
})

test('whatever statements run in whatever order, no status leaves its table and every move is an event', async () => {
  const database = scoped(await testDatabase())
  const { db } = database
  const moves = fc.record({
    kind: fc.constant('move' as const),
    from: fc.constantFrom(...STATUSES),
    to: fc.constantFrom(...STATUSES),
  })
  const others = fc.record({
    kind: fc.constantFrom('reserve', 'touch', 'claimed', 'pending', 'admit', 'release', 'taint', 'kill'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(moves, others), { maxLength: 25 }), async (steps) => {
      const id = newInstanceId()
      const claimId = `clm_${id}`
      const owned = { instanceId: id, claimId, actor: 'test' }
      const kept = { conversationId: 'c', inviteUrl: null, joined: false }
      const failed = { type: 'tainted', reason: 'r', claim: { state: 'failed', error: null } } as const
      await unaudited(db, 'delete from instances')
      await db.query(`delete from claims`)
      await unaudited(db, `insert into instances (id, status) values ($1, 'starting')`, [id])
      await insertClaim(db, {
        id: claimId,
        principal: 'p',
        idemKey: null,
        bodyHmac: id,
        joinHash: null,
        mode: 'create',
        agentName: 'A',
        waitMs: 60_000,
        leaseMs: 60_000,
        requestId: null,
      })
      const run = {
        reserve: () => reserveNext(db, { createMs: 30_000, joinMs: 20_000, leaseExtraMs: 15_000 }),
        touch: () => markTouched(db, { ...owned, agentName: 'A', instructions: 'I', model: null }),
        claimed: () => keepBox(db, { ...owned, ...kept, from: 'claiming', to: 'claimed' }),
        pending: () => keepBox(db, { ...owned, ...kept, conversationId: null, from: 'claiming', to: 'pending' }),
        admit: () => keepBox(db, { ...owned, ...kept, from: 'pending', to: 'claimed' }),
        release: () => leaveBox(db, { ...owned, ...failed, from: 'claiming', to: 'ready' }),
        taint: () => leaveBox(db, { ...owned, ...failed, from: 'claiming', to: 'stuck' }),
        kill: async () => {
          const how = { type: 'kill', reason: 'r', actor: 'test', requestId: null }
          for (const owner of [null, claimId])
            await beginDeleting(db, { ids: [id], from: ['ready', 'claimed'], claimId: owner, ...how })
        },
      }
      for (const step of steps) {
        if (step.kind === 'move') {
          const { rows } = await db.query<{ claim_id: string | null }>({
            text: 'select claim_id from instances where id = $1',
            values: [id],
          })
          const move = { id, from: step.from, to: step.to, claimId: rows[0]?.claim_id ?? null, type: 'moved', reason: 'r' }
          // the table refuses, or the database's own checks do
          await moveInstances(db, { moves: [move], actor: 'test' }).catch(() => null)
        } else await run[step.kind]()
      }
      const { rows } = await db.query<{ from_status: Status; to_status: Status }>({
        text: `select from_status, to_status from instance_events where instance_id = $1 and to_status is not null order by id`,
        values: [id],
      })
      for (const { from_status: from, to_status: to } of rows) expect(allowed(from, to), `${from} → ${to}`).toBe(true)
      expect(rows.map((row) => row.from_status)).toEqual(['starting', ...rows.map((row) => row.to_status)].slice(0, rows.length))
      expect(await statusOf(db, id)).toBe(rows.at(-1)?.to_status ?? 'starting')
    }),
    { numRuns: 60 },
  )
})
