import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { insertClaim } from '../src/db/claims.ts'
import { listFleet } from '../src/db/instances.ts'
import { moveInstances } from '../src/db/moves.ts'
import { keepBox, leaveBox, markTouched } from '../src/db/owned.ts'
import { configured, detailOf, healthOf } from './fake-services.ts'
import { reserveNext, seedReady, statusOf, type TestPool, testPool, unaudited, waitForLock } from './harness.ts'

const DEADLINES = { createMs: 30_000, joinMs: 20_000, leaseExtraMs: 15_000 }
/** Nothing happens by itself: the claims of these tests are worked on by the tests. */
const STILL = {
  env: { TICK_INTERVAL_MS: '600000' },
  limits: { claimPollMs: 600_000, readyPollMs: 600_000, changesWaitMs: 25_000 },
}

const enter = (pool: TestPool, id: string) =>
  insertClaim(pool.db, {
    id,
    principal: 'key:pool',
    idemKey: id,
    bodyHmac: id,
    joinHash: null,
    mode: 'create',
    agentName: id,
    waitMs: 60_000,
    leaseMs: 60_000,
    requestId: null,
  })

/** A claim that has reserved the box and not touched it yet. */
async function reserve(pool: TestPool, claimId: string, instanceId: string): Promise<{ claimId: string; instanceId: string }> {
  await enter(pool, claimId)
  expect(await reserveNext(pool.db, DEADLINES)).toMatchObject({ claimId, instanceId })
  return { claimId, instanceId }
}

const touch = { agentName: 'A', instructions: 'I', model: null }
const kept = { from: 'claiming', to: 'claimed', conversationId: 'c', inviteUrl: null, joined: false, actor: 'test' } as const

async function stateOf(pool: TestPool, claimId: string): Promise<string | undefined> {
  const { rows } = await pool.db.query<{ state: string }>({ text: 'select state from claims where id = $1', values: [claimId] })
  return rows[0]?.state
}

/** The calls of these tests wait for instances or claims; nothing else runs, see STILL. */
const someoneWaits = (pool: TestPool) => waitForLock(pool, '')

describe('a claimer gives its claim up at the moment when', () => {
  test('its box goes back and to another claim: the other keeps it', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const mine = await reserve(pool, 'mine', id)
    await enter(pool, 'theirs')
    const { given } = await withTransaction(pool.db, async (tx) => {
      const back = { type: 'released', reason: 'r', claim: { state: 'failed', error: null }, actor: 'test' } as const
      expect(await leaveBox(tx, { ...mine, from: 'claiming', to: 'ready', ...back })).toBe(true)
      expect(await reserveNext(tx, DEADLINES)).toMatchObject({ claimId: 'theirs', instanceId: id })
      expect(await markTouched(tx, { claimId: 'theirs', instanceId: id, ...touch })).toBe(true)
      expect(await keepBox(tx, { claimId: 'theirs', instanceId: id, ...kept })).toBe(true)
      const asked = pool.call('DELETE', '/api/pool/claims/mine')
      await someoneWaits(pool)
      return { given: asked }
    })
    expect((await given).body).toMatchObject({ status: 'failed' })
    expect(await statusOf(pool.db, id)).toBe('claimed')
    expect(await stateOf(pool, 'theirs')).toBe('done')
  })

  test('its box fails and it goes back into the queue: it is cancelled there', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const mine = await reserve(pool, 'mine', id)
    await markTouched(pool.db, { ...mine, ...touch })
    const { given } = await withTransaction(pool.db, async (tx) => {
      const again = { state: 'queued', leaseMs: 60_000, reserveMs: 1_000 } as const
      await leaveBox(tx, { ...mine, from: 'claiming', to: 'stuck', type: 'tainted', reason: 'r', claim: again, actor: 'test' })
      const asked = pool.call('DELETE', '/api/pool/claims/mine')
      await someoneWaits(pool)
      return { given: asked }
    })
    expect((await given).body).toMatchObject({ status: 'cancelled' })
    expect(await stateOf(pool, 'mine')).toBe('cancelled')
  })

  test('its box is being configured: it is cancelled, not failed', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const mine = await reserve(pool, 'mine', id)
    await markTouched(pool.db, { ...mine, ...touch })
    expect((await pool.call('DELETE', '/api/pool/claims/mine')).body).toMatchObject({ status: 'cancelled', error: null })
    expect(await keepBox(pool.db, { ...mine, ...kept })).toBe(false)
  })
})

describe('an end that comes too late', () => {
  /** Changes the row while the given call waits for it. */
  async function meanwhile(pool: TestPool, change: string, call: () => Promise<{ status: number; body: unknown }>) {
    const { answer } = await withTransaction(pool.db, async (tx) => {
      await tx.query('set local convos.unaudited = on')
      await tx.query(change)
      const asked = call()
      await someoneWaits(pool)
      return { answer: asked }
    })
    return answer
  }

  test('because the instance was protected says so', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const kill = () => pool.call('DELETE', `/api/pool/instances/${id}`)
    expect(await meanwhile(pool, 'update instances set protected = true', kill)).toMatchObject({
      status: 409,
      body: { code: 'PROTECTED' },
    })
    expect(await statusOf(pool.db, id)).toBe('ready')
    expect((await pool.call('GET', '/api/pool/operations')).body).toEqual({ operations: [] })
  })

  test('because the ready instance was handed to a claim spares it', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const kill = () => pool.call('DELETE', `/api/pool/instances/${id}`)
    const handOut = `update instances set status = 'claimed', claim_id = 'c', conversation_id = 'c'`
    expect(await meanwhile(pool, handOut, kill)).toMatchObject({ status: 409, body: { code: 'CHANGED' } })
    expect(await statusOf(pool.db, id)).toBe('claimed')
  })

  test('because the crashed agent came back spares it', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    await unaudited(pool.db, `update instances set status = 'crashed', claim_id = 'c', conversation_id = 'c'`)
    const dismiss = () => pool.call('DELETE', `/api/pool/crashed/${id}`)
    expect(await meanwhile(pool, `update instances set status = 'claimed'`, dismiss)).toMatchObject({ status: 409 })
    expect(await statusOf(pool.db, id)).toBe('claimed')
  })

  test('because it is on its way out already is the same end', async () => {
    const pool = scoped(await testPool(STILL))
    const [id = ''] = await seedReady(pool, 1)
    const kill = () => pool.call('DELETE', `/api/pool/instances/${id}`)
    expect(await meanwhile(pool, `update instances set status = 'deleting'`, kill)).toMatchObject({ status: 202 })
  })
})

test('an agent that was protected, or given more time, after its row was read does not expire', async () => {
  const pool = scoped(await testPool(STILL))
  // no look of its own holds a row meanwhile
  await pool.parts.tick.stop()
  const ids = await seedReady(pool, 3)
  await unaudited(
    pool.db,
    `
    update instances set status = 'claimed', claim_id = id, conversation_id = 'c', expires_at = clock_now() - interval '1 s'`,
  )
  const moves = (await listFleet(pool.db, {})).map((row) => ({
    id: row.id,
    from: row.status,
    to: 'deleting' as const,
    claimId: row.claim_id,
    type: 'expired',
    reason: 'its time is over',
  }))
  await pool.db.query({ text: 'update instances set protected = true where id = $1', values: [ids[0]] })
  await pool.db.query({ text: `update instances set expires_at = clock_now() + interval '1 h' where id = $1`, values: [ids[1]] })
  expect([...(await moveInstances(pool.db, { moves, actor: 'test' }))]).toEqual([ids[2]])
})

test('an agent that is let in before its row says pending is let in all the same', async () => {
  const pool = scoped(await testPool({ env: STILL.env, limits: { readyPollMs: 600_000, changesWaitMs: 25_000 } }))
  const [id = ''] = await seedReady(pool, 1)
  await eventually('the long poll', () => pool.services.called(/changes/).length >= 2)
  pool.services.onConfigure = async (instanceId, body) => {
    const reply = configured(pool.services, instanceId, body)
    const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId: body.claimId })
    const looks = pool.services.called(/status/).length
    pool.services.set(instanceId, detailOf('healthy', { health }))
    await eventually('pool to hear of it', () => pool.services.called(/status/).length > looks)
    return reply
  }
  expect((await pool.claim({ joinUrl: 'https://dev.convos.org/v2?i=1' })).body).toMatchObject({ status: 'done', joined: true })
  expect(await statusOf(pool.db, id)).toBe('claimed')
})
