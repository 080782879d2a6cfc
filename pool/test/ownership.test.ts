import { withTransaction } from '@convos/kit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { insertClaim, type NewClaim } from '../src/db/claims.ts'
import { takeLostRunning } from '../src/db/lost.ts'
import { moveInstances } from '../src/db/moves.ts'
import { keepBox, leaveBox, markTouched } from '../src/db/owned.ts'
import { newInstanceId } from '../src/naming.ts'
import { reserveNext, seedRows, statusOf, testDatabase, waitForLock } from './harness.ts'

const DEADLINES = { createMs: 30_000, joinMs: 20_000, leaseExtraMs: 15_000 }
let database: Awaited<ReturnType<typeof testDatabase>>

beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database[Symbol.asyncDispose]())

const newClaim = (id: string, parts: Partial<NewClaim> = {}): NewClaim => ({
  id,
  principal: 'key:test',
  idemKey: id,
  bodyHmac: id,
  joinHash: null,
  mode: 'create',
  agentName: 'A',
  waitMs: 60_000,
  leaseMs: 15_000,
  requestId: null,
  ...parts,
})
const enter = (id: string, leaseMs = 15_000) => insertClaim(database.db, newClaim(id, { leaseMs }))

/** A box that the claim `owner` has reserved. */
async function reserved(): Promise<string> {
  const id = newInstanceId()
  await seedRows(database.db, [id])
  await enter('owner')
  expect(await reserveNext(database.db, DEADLINES)).toMatchObject({ claimId: 'owner', instanceId: id })
  return id
}

const touch = { agentName: 'A', instructions: 'I', model: null }
const kept = { from: 'claiming', to: 'claimed', conversationId: 'c', inviteUrl: null, joined: false, actor: 'test' } as const
const back = { from: 'claiming', type: 'released', reason: 'r', claim: { state: 'failed', error: null }, actor: 'test' } as const

test('a tainted box stays its claimer’s, until it turns out to be another claim’s', async () => {
  const id = await reserved()
  const owned = { instanceId: id, claimId: 'owner' }
  await markTouched(database.db, { ...owned, ...touch })
  await leaveBox(database.db, { ...owned, ...back, type: 'tainted', to: 'stuck' })
  const whose = async () =>
    (await database.db.query('select status, claim_id, principal from instances where id = $1', [id])).rows[0]
  expect(await whose()).toEqual({ status: 'stuck', claim_id: 'owner', principal: 'key:test' })
  const move = { id, from: 'stuck', to: 'crashed', claimId: 'owner', type: 'foreign_claim', reason: 'r' } as const
  await moveInstances(database.db, { moves: [move], actor: 'pool' })
  expect(await whose()).toEqual({ status: 'crashed', claim_id: null, principal: null })
})

describe('a claim that has lost its box to another', () => {
  test('cannot touch it', async () => {
    const instanceId = await reserved()
    expect(await markTouched(database.db, { instanceId, claimId: 'former', ...touch })).toBe(false)
    expect(await markTouched(database.db, { instanceId, claimId: 'owner', ...touch })).toBe(true)
  })

  test('cannot keep it', async () => {
    const instanceId = await reserved()
    await markTouched(database.db, { instanceId, claimId: 'owner', ...touch })
    expect(await keepBox(database.db, { instanceId, claimId: 'former', ...kept })).toBe(false)
    expect(await keepBox(database.db, { instanceId, claimId: 'owner', ...kept })).toBe(true)
  })

  test('cannot give it away', async () => {
    const instanceId = await reserved()
    expect(await leaveBox(database.db, { instanceId, claimId: 'former', to: 'ready', ...back })).toBe(false)
    expect(await statusOf(database.db, instanceId)).toBe('claiming')
  })
})

test('a box that a call may have reached is touched once, and never given back', async () => {
  const owned = { instanceId: await reserved(), claimId: 'owner' }
  expect(await markTouched(database.db, { ...owned, ...touch })).toBe(true)
  expect(await markTouched(database.db, { ...owned, ...touch })).toBe(false)
  expect(await leaveBox(database.db, { ...owned, to: 'ready', ...back })).toBe(false)
  expect(await leaveBox(database.db, { ...owned, to: 'stuck', ...back, type: 'tainted' })).toBe(true)
})

test('a claim is taken from its worker when its lease has run out, once, and not before', async () => {
  const instanceId = await reserved()
  expect(await takeLostRunning(database.db, 45_000)).toEqual([])
  await database.db.query(`update claims set lease_until = clock_now() - interval '1 s'`)
  expect(await takeLostRunning(database.db, 45_000)).toMatchObject([{ id: 'owner', instance_id: instanceId, owns: true }])
  expect(await takeLostRunning(database.db, 45_000)).toEqual([])
})

const signed = { address: '0x1', inboxId: null, nonce: 'n', nonceExpiresAt: new Date('2100-01-01') }
test.each([
  ['the same key', { idemKey: 'k' }],
  ['the same invite and body', { idemKey: null, joinHash: 'j', bodyHmac: 'b' }],
  ['the same signature', { owner: signed }],
])('of two claims with %s that come in at the same moment, unseen by each other, one gets in', async (_, same) => {
  const { second } = await withTransaction(database.db, async (tx) => {
    expect(await insertClaim(tx, newClaim('first', same))).toBe(true)
    const entered = insertClaim(database.db, newClaim('second', same))
    entered.catch(() => {})
    await waitForLock(database, 'insert into claims')
    return { second: entered }
  })
  expect(await second).toBe(false)
})

test('a claim whose worker is gone is not handed a box', async () => {
  await seedRows(database.db, [newInstanceId()])
  await enter('nobody waits for it', 0)
  expect(await reserveNext(database.db, DEADLINES)).toBeNull()
})
