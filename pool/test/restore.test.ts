import { type AskingTerminal, withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { makeSafe, runAfterRestore } from '../src/cli/after-restore.ts'
import { insertClaim } from '../src/db/claims.ts'
import { readWarmUpMs } from '../src/db/instances.ts'
import { takeItems } from '../src/db/items.ts'
import { insertOperation } from '../src/db/operations.ts'
import { migratePool } from '../src/db/migrate.ts'
import { detailOf, healthOf } from './fake-services.ts'
import { reserveNext, countRows, seedReady, statusOf, type TestPool, testPool, unaudited } from './harness.ts'

const STILL = { env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000 } }

/** The world has gone on: the box is somebody's, whatever this database says. */
const someoneHas = ({ services }: TestPool, id: string, claimId = 'clm_of_the_newer_world') =>
  services.set(
    id,
    detailOf('healthy', { health: healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId }) }),
  )

const terminal = (pool: TestPool, p: { ask?: AskingTerminal['ask'] } = {}) => {
  const said: string[] = []
  const env = {
    DATABASE_URL: pool.database.url,
    POOL_ENVIRONMENT: 'dev',
    POOL_API_KEY: pool.key,
    SERVICES_URL: pool.services.url,
    SERVICES_API_KEY: pool.services.apiKey,
  }
  const tell = (text: string) => void said.push(text)
  return { said, env, out: tell, err: tell, progress: null, ask: p.ask ?? null }
}

describe('an older copy of the database', () => {
  test('whose stock proves itself again: how long one takes to be made is known as before', async () => {
    const pool = scoped(await testPool(STILL))
    await seedReady(pool, 2)
    await unaudited(pool.db, `update instances set ready_at = created_at + interval '1 min'`)
    expect(await makeSafe(pool.db)).toMatchObject({ ready: 2 })
    await pool.parts.fleet.look({})
    expect(await countRows(pool.db, 'ready')).toBe(2)
    expect(await readWarmUpMs(pool.db)).toBe(60_000)
  })

  test('that says ready of what was claimed since: the agent is kept, as crashed, and nobody else gets it', async () => {
    const pool = scoped(await testPool(STILL))
    const [mine = '', free = ''] = await seedReady(pool, 2)
    for (const id of [mine, free]) pool.services.set(id, { state: 'unknown' })
    expect(await makeSafe(pool.db)).toMatchObject({ ready: 2 })
    // nothing is handed out before it has proven itself
    expect((await pool.claim()).body).toMatchObject({ code: 'POOL_EMPTY' })
    pool.services.set(free, { state: 'healthy' })
    someoneHas(pool, mine)
    // by this look, or by one that services' news of them has begun
    await pool.parts.fleet.look({})
    const is = async (id: string, status: string) => (await statusOf(pool.db, id)) === status
    await eventually('each to be what it is', async () => (await is(mine, 'crashed')) && (await is(free, 'ready')))
    expect((await pool.claim()).body).toMatchObject({ instanceId: free })
    expect(pool.services.called(/DELETE .destroy/)).toEqual([])
  })

  test('that was not made safe: a claim meets the agent of another, leaves it alone, and gets the next', async () => {
    const pool = scoped(await testPool(STILL))
    const [mine = '', free = ''] = await seedReady(pool, 2)
    someoneHas(pool, mine)
    await pool.parts.fleet.look({})
    expect((await pool.claim()).body).toMatchObject({ instanceId: free })
    expect(await statusOf(pool.db, mine)).toBe('crashed')
    expect(pool.services.called(/DELETE .destroy/)).toEqual([])
  })

  test.each(['made safe', 'not made safe'])(
    'with a claim under way that was finished since, %s: it is finished here too, tools and all',
    async (how) => {
      const pool = scoped(await testPool({ ...STILL, env: { TICK_INTERVAL_MS: '100' } }))
      const [id = ''] = await seedReady(pool, 1)
      const claim = {
        id: 'clm_old',
        principal: 'key:pool',
        idemKey: 'k',
        bodyHmac: 'b',
        joinHash: null,
        mode: 'create' as const,
        requestId: null,
      }
      await insertClaim(pool.db, { ...claim, agentName: 'A', waitMs: 60_000, leaseMs: 60_000 })
      expect(
        await eventually('the reservation', () => reserveNext(pool.db, { createMs: 30_000, joinMs: 0, leaseExtraMs: 60_000 })),
      ).toMatchObject({ instanceId: id })
      someoneHas(pool, id, 'clm_old')
      pool.services.set(id, { tools: [{ toolId: 'email', resourceId: 'inbox', state: 'active' }] })
      if (how === 'made safe') await makeSafe(pool.db)
      else await pool.db.query({ text: `update claims set lease_until = clock_now()` })
      await eventually('the claim to be done', async () => {
        const { body } = await pool.call('GET', '/api/pool/claims/clm_old')
        return body['status'] === 'done'
      })
      expect(await statusOf(pool.db, id)).toBe('claimed')
      expect(pool.services.called(/DELETE/)).toEqual([])
    },
  )

  test('an end that has passed meanwhile is taken off, for it may have been put off since', async () => {
    const pool = scoped(await testPool(STILL))
    const ids = await seedReady(pool, 1)
    await pool.claim()
    await pool.db.query({ text: `update instances set expires_at = clock_now() - interval '1 min'` })
    expect(await makeSafe(pool.db)).toMatchObject({ ends: 1 })
    await pool.parts.fleet.look({})
    expect(await statusOf(pool.db, ids[0] ?? '')).toBe('claimed')
    const { rows } = await pool.db.query({ text: `select actor from instance_events where type = 'expiry_dropped'` })
    expect(rows).toEqual([{ actor: 'restore' }])
  })

  test('a drain that was not begun is not begun any more, and twice is fine', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const asked = { kind: 'drain', actor: 'key:pool', requestId: null } as const
    await insertOperation(pool.db, { id: 'op_old', ...asked, items: [{ instanceId: id }] })
    expect(await makeSafe(pool.db)).toMatchObject({ items: 1, ready: 1 })
    expect(await makeSafe(pool.db)).toEqual({ ready: 0, claims: 0, ends: 0, items: 0 })
    expect((await pool.call('GET', '/api/pool/operations/op_old')).body).toMatchObject({ state: 'failed' })
    expect(pool.services.called(/DELETE/)).toEqual([])
  })

  test('work on agents that was under way is not taken up again: it may have been done since, and more', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    await pool.claim()
    const asked = { kind: 'redeploy', actor: 'key:pool', requestId: null, input: { force: true } } as const
    await withTransaction(pool.db, async (tx) => {
      for (const op of ['op_old', 'op_taken'])
        await insertOperation(tx, { id: op, ...asked, items: [{ instanceId: id, work: true }] })
      // held by somebody: this pool, which would never run beside a restore, is not to take them meanwhile
      await tx.query({ text: `update operation_items set lease_until = clock_now() + interval '1 hour'` })
      await tx.query({ text: `update operation_items set taken_at = clock_now() where operation_id = 'op_taken'` })
    })
    expect(await makeSafe(pool.db)).toMatchObject({ items: 2 })
    await pool.db.query({ text: `update operation_items set lease_until = clock_now()` })
    expect(await takeItems(pool.db, { kinds: ['redeploy'], limit: 8, leaseMs: 1_000 })).toEqual([])
    expect((await pool.call('GET', '/api/pool/operations/op_taken')).body).toMatchObject({ state: 'failed' })
  })
})

test('the log of another server is told here as well, and whoever followed it there starts anew', async () => {
  const pool = scoped(await testPool(STILL))
  await pool.db.query({
    text: `insert into instance_events (type, actor, xid) values ('theirs', 'test', '99999999'::xid8)`,
  })
  const theirs = () => pool.call('GET', '/api/pool/activity?type=theirs')
  expect((await theirs()).body).toMatchObject({ events: [] })
  await makeSafe(pool.db)
  // told once every older transaction on this server has ended
  await eventually('it to be told', async () => ((await theirs()).body['events'] as unknown[]).length === 1)
})

describe('the command', () => {
  test('refuses beside a running pool, and without somebody who says so', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const at = terminal(pool)
    expect(await runAfterRestore(['--yes'], at)).toBe(1)
    expect(at.said.join()).toContain('a pool may be at work on this database')
    expect(await runAfterRestore(['--force'], at)).toBe(2)
    expect(await runAfterRestore(['--force'], terminal(pool, { ask: () => Promise.resolve('production') }))).toBe(1)
    expect(await countRows(pool.db, 'starting')).toBe(0)
    const agreed = terminal(pool, { ask: () => Promise.resolve('dev') })
    expect(await runAfterRestore(['--force', '--json'], agreed)).toBe(0)
    expect(JSON.parse(agreed.said.at(-1) ?? '')).toMatchObject({ ready: 1 })
    const { rows } = await pool.db.query({ text: `select instance_id from instance_events where type = 'restored'` })
    expect(rows).toEqual([{ instance_id: id }])
  })

  test('refuses a copy of another environment, as starting does', async () => {
    const pool = scoped(await testPool(STILL))
    const at = terminal(pool)
    const elsewhere = { ...at, env: { ...at.env, POOL_ENVIRONMENT: 'staging', POOL_PUBLIC_URL: 'https://pool.example' } }
    expect(await runAfterRestore(['--yes', '--force'], elsewhere)).toBe(1)
    expect(at.said.join()).toContain('belongs to environment "dev"')
    const { url } = pool.database
    await expect(migratePool({ environment: 'staging', database: { url, directUrl: url, prepared: true } })).rejects.toThrow(
      'belongs to environment "dev"',
    )
  })
})
