import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { configured, detailOf } from './fake-services.ts'
import { newInstanceId } from '../src/naming.ts'
import { countRows, seedReady, seedRows, statusOf, type TestPool, testPool, unaudited, waitForLock } from './harness.ts'

const OFTEN = { TICK_INTERVAL_MS: '100' }

async function claimOf(pool: TestPool) {
  const { rows } = await pool.db.query<{ id: string; state: string; idem_key: string | null }>({
    text: 'select id, state, idem_key from claims order by seq limit 1',
  })
  return rows[0]
}

/** Every write that would bring an instance to this status fails, until it is healed. */
async function breakMoves(pool: TestPool, to: string): Promise<{ heal(): Promise<unknown> }> {
  await pool.db.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
    create trigger refuse before update on instances for each row when (new.status = '${to}') execute function refuse()`)
  return { heal: () => pool.db.query('drop function refuse cascade') }
}

describe('a claim whose database fails it', () => {
  test('after its box was configured is left to the sweep, which completes it as the box reports', async () => {
    const pool = scoped(
      await testPool({
        env: OFTEN,
        limits: {
          claimCreateMs: 300,
          anotherBoxCreateMs: 0,
          innerReserveMs: 0,
          claimLeaseExtraMs: 500,
          leaseRenewMs: 50,
          queueLeaseMs: 500,
        },
      }),
    )
    const [id = ''] = await seedReady(pool, 1)
    const database = await breakMoves(pool, 'claimed')
    expect(await pool.claim({}, { headers: { 'idempotency-key': 'k' } })).toMatchObject({
      status: 202,
      body: { status: 'running' },
    })
    await database.heal()
    await eventually('it to be done', async () => (await claimOf(pool))?.state === 'done')
    expect(await statusOf(pool.db, id)).toBe('claimed')
    expect(pool.services.called(/configure/)).toHaveLength(1)
    expect(pool.logged.filter((line) => line.includes('was interrupted'))).toHaveLength(1)
  })

  test('before its box was touched gives the box back and releases the key', async () => {
    const pool = scoped(
      await testPool({
        env: OFTEN,
        limits: {
          claimCreateMs: 300,
          anotherBoxCreateMs: 0,
          innerReserveMs: 0,
          claimLeaseExtraMs: 200,
          leaseRenewMs: 50,
          queueLeaseMs: 500,
        },
      }),
    )
    const [id = ''] = await seedReady(pool, 1)
    await pool.db.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
      create trigger refuse before update on instances for each row when (new.touched_at is not null) execute function refuse()`)
    expect((await pool.claim({}, { headers: { 'idempotency-key': 'k' } })).status).toBe(202)
    await eventually('it to fail', async () => (await claimOf(pool))?.state === 'failed')
    expect((await claimOf(pool))?.idem_key).toBeNull()
    expect(await statusOf(pool.db, id)).toBe('ready')
  })
})

describe('a client that leaves', () => {
  test('before its claim is in the queue is noticed all the same', async () => {
    const pool = scoped(await testPool())
    const [id = ''] = await seedReady(pool, 1)
    const leaving = new AbortController()
    await withTransaction(pool.db, async (tx) => {
      await tx.query('lock table claims in share mode')
      const claim = pool.claim({}, { signal: leaving.signal })
      await waitForLock(pool, 'insert into claims')
      leaving.abort()
      await expect(claim).rejects.toThrow('aborted')
      await eventually('pool to notice', () => pool.logged.some((line) => /request (aborted|completed|errored)/.test(line)))
    })
    await eventually('it to be cancelled', async () => (await claimOf(pool))?.state === 'cancelled')
    expect(await countRows(pool.db, 'claimed')).toBe(0)
    expect(await statusOf(pool.db, id)).not.toBe('claiming')
  })
})

describe('looking at the fleet', () => {
  test('takes what was answered, when another part of it was not', async () => {
    const pool = scoped(await testPool({ env: OFTEN, limits: { statusBatch: 1, readyPollMs: 600_000 } }))
    const lost = newInstanceId()
    // not told by /changes: only the look at everything can find it
    pool.services.instances.set(lost, detailOf('deploy_failed', { health: null }))
    // services has no answer for an id of this shape
    await pool.db.query('alter table instances drop constraint instances_id_check')
    await seedRows(pool.db, [lost, 'not-an-id'])
    await eventually('the answered one to be dealt with', async () => (await statusOf(pool.db, lost)) !== 'ready')
    expect(await statusOf(pool.db, 'not-an-id')).toBe('ready')
  })

  test('does not wait for a box that keeps a withdrawal waiting, and neither does the refill', async () => {
    const pool = scoped(
      await testPool({ env: { ...OFTEN, CLAIM_PENDING_TIMEOUT_MS: '1000' }, limits: { callsParallel: 1, cancelMs: 5_000 } }),
    )
    const ids = await seedReady(pool, 2)
    const held = Promise.withResolvers<boolean>()
    pool.services.onCancel = () => held.promise
    await unaudited(
      pool.db,
      `
      update instances set status = 'pending', claim_id = id, touched_at = clock_now(), status_since = clock_now() - interval '1 h'`,
    )
    await eventually('a withdrawal', () => pool.services.called(/cancel/).length > 0)
    await pool.call('POST', '/api/pool/replenish', { body: { count: 1 } })
    await eventually('a new one to be ready', async () => (await countRows(pool.db, 'ready')) === 1)
    // while it is still held: what comes of the withdrawal is another matter
    expect(await Promise.all(ids.map((id) => statusOf(pool.db, id)))).toEqual(['pending', 'pending'])
    held.resolve(false)
  })
})

test('two replicas that watch at once destroy no more than the cap of the hour', async () => {
  const pool = scoped(
    await testPool({ limits: { autoDestroyPerHour: 2, readyPollMs: 600_000 }, env: { TICK_INTERVAL_MS: '600000' } }),
  )
  const other = scoped(await pool.replica())
  await eventually('the first look to be over', () => pool.services.called(/changes/).length >= 2)
  const ids = Array.from({ length: 8 }, newInstanceId)
  for (const id of ids) pool.services.instances.set(id, detailOf('deploy_failed', { health: null }))
  await seedRows(pool.db, ids, 'stuck')
  const half = (n: number) => ({ ids: ids.filter((_, i) => i % 2 === n) })
  // both have decided before either writes
  await withTransaction(pool.db, async (tx) => {
    await tx.query('lock table instance_events in share mode')
    const looks = [pool.parts.fleet.look(half(0)), other.parts.fleet.look(half(1))]
    // one holds the settings and writes, the other waits for them
    await waitForLock(pool, '', 2)
    return { looks }
  }).then(({ looks }) => Promise.all(looks))
  const { rows } = await pool.db.query<{ n: number }>(
    `select count(*)::int as n from instance_events where type = 'auto_destroy'`,
  )
  expect(rows[0]?.n).toBe(2)
})

test('shutting down leaves no claim in the queue, not even one that its box sent back', async () => {
  const pool = scoped(await testPool({ env: OFTEN }))
  await seedReady(pool, 1)
  const held = Promise.withResolvers<void>()
  pool.services.onConfigure = async (id, body) => {
    await held.promise
    return { ...configured(pool.services, id, body), ok: 'no' } as never
  }
  const claim = pool.claim({}, { headers: { 'idempotency-key': 'k' } })
  await eventually('the configure', () => pool.services.called(/configure/).length === 1)
  const stopped = pool.parts.stop()
  held.resolve()
  expect(await claim).toMatchObject({ status: 503, body: { code: 'SHUTTING_DOWN' } })
  await stopped
  expect(await claimOf(pool)).toMatchObject({ state: 'failed', idem_key: null })
})

test('a client that leaves after a failure of ours is not given an agent nobody knows of', async () => {
  const pool = scoped(await testPool())
  await pool.db.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
    create trigger refuse before update on claims for each row when (new.state = 'failed') execute function refuse()`)
  expect((await pool.claim()).status).toBe(500)
  await eventually('it to be cancelled', async () => (await claimOf(pool))?.state === 'cancelled')
  await seedReady(pool, 1)
  expect(await countRows(pool.db, 'ready')).toBe(1)
})

test('resets of /changes, one after the other, do not become a storm of full passes', async () => {
  const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000 } }))
  await seedReady(pool, 1)
  pool.services.resets = true
  await eventually('a reset', () => pool.services.called(/changes/).length >= 2)
  const before = pool.services.called(/changes/).length
  // a second is what one reset costs: many looks at something else take less
  for (let i = 0; i < 20; i++) await pool.call('GET', '/api/pool/status')
  expect(pool.services.called(/changes/).length - before).toBeLessThanOrEqual(1)
})
