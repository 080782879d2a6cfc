import { eventually, scoped } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { insertClaim } from '../src/db/claims.ts'
import { markTouched } from '../src/db/owned.ts'
import { detailOf, healthOf } from './fake-services.ts'
import { reserveNext, seedReady, statusOf, testPool, type TestPool } from './harness.ts'

const CLAIM = 'clm_lost'
const KEY = 'once'

/** What a killed replica leaves behind: a claim at some point of its way, its lease run out. */
async function leaveBehind(
  pool: TestPool,
  p: { mode: 'create' | 'join'; reach: 'queued' | 'reserved' | 'touched' },
): Promise<string> {
  const keys = {
    id: CLAIM,
    principal: 'key:pool',
    idemKey: KEY,
    bodyHmac: 'b',
    joinHash: p.mode === 'join' ? 'j' : null,
    requestId: 'req',
  }
  await insertClaim(pool.db, {
    ...keys,
    mode: p.mode,
    agentName: 'A',
    waitMs: 60_000,
    leaseMs: p.reach === 'queued' ? 0 : 60_000,
  })
  if (p.reach === 'queued') return ''
  const [id = ''] = await seedReady(pool, 1)
  // the tick may be looking at the row at this moment, and then it is skipped
  const reserved = await eventually('the reservation', () =>
    reserveNext(pool.db, { createMs: 0, joinMs: 0, leaseExtraMs: p.reach === 'touched' ? 60_000 : 0 }),
  )
  expect(reserved).toMatchObject({ claimId: CLAIM, instanceId: id })
  if (p.reach === 'reserved') return id
  expect(await markTouched(pool.db, { claimId: CLAIM, instanceId: id, agentName: 'A', instructions: 'I', model: null })).toBe(
    true,
  )
  return id
}

/** Runs the lease out once the world is set. */
const runOut = (pool: TestPool) =>
  pool.db.query({ text: `update claims set lease_until = clock_now() - interval '1 s' where id = $1`, values: [CLAIM] })

const claimIs = (pool: TestPool, state: string) =>
  eventually(`the claim to be ${state}`, async () => {
    const { rows } = await pool.db.query<{ state: string; idem_key: string | null; instance_id: string | null }>({
      text: 'select state, idem_key, instance_id from claims where id = $1',
      values: [CLAIM],
    })
    return rows[0]?.state === state ? rows[0] : null
  })

/** The claims' own loops stand still: only the sweep of the tick may end them. */
const quiet = () => testPool({ env: { TICK_INTERVAL_MS: '100' }, limits: { claimPollMs: 600_000, freshMs: 30_000 } })
const ours = { clean: false, claimId: CLAIM } as const

test('a lost claim that was queued is cancelled and releases its key', async () => {
  const pool = scoped(await quiet())
  await leaveBehind(pool, { mode: 'create', reach: 'queued' })
  expect((await claimIs(pool, 'cancelled')).idem_key).toBeNull()
})

test('a lost claim that reached nothing fails, and its box is ready again', async () => {
  const pool = scoped(await quiet())
  const id = await leaveBehind(pool, { mode: 'create', reach: 'reserved' })
  expect(await claimIs(pool, 'failed')).toMatchObject({ idem_key: null, instance_id: null })
  expect(await statusOf(pool.db, id)).toBe('ready')
})

test('a lost claim whose box is bound to it is completed and can be fetched', async () => {
  const pool = scoped(await quiet())
  const id = await leaveBehind(pool, { mode: 'create', reach: 'touched' })
  const health = healthOf({ ...ours, binding: 'active', conversationId: 'made', inviteUrl: 'https://dev.convos.org/v2?i=1' })
  pool.services.set(id, detailOf('healthy', { health }))
  await runOut(pool)
  expect((await claimIs(pool, 'done')).idem_key).toBe(KEY)
  expect((await pool.call('GET', `/api/pool/claims/${CLAIM}`)).body).toMatchObject({
    status: 'done',
    conversationId: 'made',
    inviteUrl: 'https://dev.convos.org/v2?i=1',
    gatewayToken: `gateway-token-of-${id}`,
  })
})

test('a lost claim whose box is unbound is cancelled there too, and the box is never handed out again', async () => {
  const pool = scoped(await quiet())
  const id = await leaveBehind(pool, { mode: 'create', reach: 'touched' })
  await runOut(pool)
  expect((await claimIs(pool, 'cancelled')).idem_key).toBeNull()
  expect(pool.services.called(/cancel/).map((call) => call.body)).toEqual([{ claimId: CLAIM }])
  await eventually('the box to be gone', async () => (await statusOf(pool.db, id)) === null)
})

test('a lost claim whose box is still at work is left to it', async () => {
  const pool = scoped(await quiet())
  const id = await leaveBehind(pool, { mode: 'create', reach: 'touched' })
  pool.services.set(id, detailOf('healthy', { health: healthOf({ ...ours, binding: 'working' }) }))
  await runOut(pool)
  await eventually('the claim to be taken over', async () => {
    const { rows } = await pool.db.query({ text: `select 1 from claims where lease_until > clock_now() + interval '30 s'` })
    return rows.length === 1
  })
  expect(await statusOf(pool.db, id)).toBe('claiming')
})

test('a lost claim whose box does not answer: a created agent is given up, a joining one may be in and stays pending', async () => {
  const silent = detailOf('unreachable', { failures: 2, failingSince: new Date().toISOString() })
  {
    const pool = scoped(await quiet())
    const id = await leaveBehind(pool, { mode: 'create', reach: 'touched' })
    pool.services.set(id, silent)
    await runOut(pool)
    await claimIs(pool, 'failed')
  }
  const pool = scoped(await quiet())
  const id = await leaveBehind(pool, { mode: 'join', reach: 'touched' })
  pool.services.set(id, silent)
  await runOut(pool)
  await claimIs(pool, 'pending')
  expect(await statusOf(pool.db, id)).toBe('pending')
})

test('an answer that says nothing changes nothing', async () => {
  const pool = scoped(await quiet())
  const id = await leaveBehind(pool, { mode: 'create', reach: 'touched' })
  pool.services.set(id, detailOf('unknown'))
  const asked = pool.services.called(/status/).length
  await runOut(pool)
  await eventually('a few looks', () => pool.services.called(/status/).length > asked + 5)
  expect(await statusOf(pool.db, id)).toBe('claiming')
})
