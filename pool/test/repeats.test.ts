import { withTransaction } from '@convos/kit'
import { scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { type Answer, countRows, seedReady, type TestPool, testPool, waitForLock } from './harness.ts'
import { makeKey } from './keys.ts'

const INVITE = 'https://dev.convos.org/v2?i=invite-1'
/** The caller of a join is answered soon, whether or not it was let in. */
const SHORT_JOIN = { claimJoinMs: 500, anotherBoxJoinMs: 0, innerReserveMs: 0 }
const once = { headers: { 'idempotency-key': 'once' } }

const all = (answers: Answer[], field: string) => [...new Set(answers.map(({ body }) => body[field]))]

/** The same call so many times over two replicas: every one is past the look for its like when the first gets in. */
async function atOnce(pool: TestPool, times: number, body: Record<string, unknown>, how: object = {}): Promise<Answer[]> {
  const other = scoped(await pool.replica())
  const { asked } = await withTransaction(pool.db, async (tx) => {
    await tx.query('lock table claims in share row exclusive mode')
    const calls = Array.from({ length: times }, (_, n) => (n % 2 ? other : pool).claim(body, how))
    await waitForLock(pool, 'insert into claims', times)
    return { asked: calls }
  })
  return Promise.all(asked)
}

describe('a claim that is sent many times at once, to two replicas,', () => {
  test('with the same key is one instance, and every caller gets the same claim', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 3)
    const answers = await atOnce(pool, 10, { agentName: 'one' }, once)
    expect(all(answers, 'status')).toEqual(['done'])
    for (const field of ['claimId', 'instanceId', 'gatewayToken', 'inviteUrl']) expect(all(answers, field)).toHaveLength(1)
    expect(pool.services.called(/configure/)).toHaveLength(1)
    expect(await countRows(pool.db, 'ready')).toBe(2)
  })

  test('with the same invite and body is one instance', async () => {
    const pool = scoped(await testPool({ limits: SHORT_JOIN }))
    await seedReady(pool, 3)
    const answers = await atOnce(pool, 20, { joinUrl: INVITE })
    expect(all(answers, 'status')).toEqual(['pending'])
    for (const field of ['claimId', 'instanceId']) expect(all(answers, field)).toHaveLength(1)
    expect(pool.services.called(/configure/)).toHaveLength(1)
    expect(await countRows(pool.db, 'ready')).toBe(2)
  })
})

describe('another principal', () => {
  test.each([
    ['key', { agentName: 'mine' }, once],
    ['invite', { joinUrl: INVITE }, {}],
  ])('with the same %s and body gets a claim of its own, and nothing of the first one', async (_what, body, how) => {
    const pool = scoped(await testPool({ limits: SHORT_JOIN }))
    await seedReady(pool, 2)
    const [mine, theirs] = [await makeKey(pool), await makeKey(pool)]
    const first = await pool.claim(body, { ...how, key: mine.key })
    const second = await pool.claim(body, { ...how, key: theirs.key })
    expect(second.status).toBe(first.status)
    const { claimId, instanceId, gatewayToken } = first.body
    for (const field of ['claimId', 'instanceId', 'gatewayToken']) {
      expect(first.body[field]).toEqual(expect.any(String))
      expect(second.body[field]).not.toBe(first.body[field])
    }

    const answers = [
      second,
      await pool.claim(body, { ...how, key: theirs.key }),
      await pool.call('GET', `/api/pool/claims/${String(claimId)}`, { key: theirs.key }),
      await pool.call('DELETE', `/api/pool/claims/${String(claimId)}`, { key: theirs.key }),
      await pool.call('GET', `/api/pool/instances/${String(instanceId)}`, { key: theirs.key }),
      await pool.call('DELETE', `/api/pool/instances/${String(instanceId)}`, { key: theirs.key }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([second.status, second.status, 404, 404, 404, 404])
    for (const { text } of answers)
      for (const secret of [claimId, instanceId, gatewayToken]) expect(text).not.toContain(String(secret))
    expect((await pool.claim(body, { ...how, key: mine.key })).body).toMatchObject({ claimId, instanceId, gatewayToken })
  })

  test('whose claim with the same key comes at the same moment gets a claim of its own', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const keys = [await makeKey(pool), await makeKey(pool)]
    const { asked } = await withTransaction(pool.db, async (tx) => {
      await tx.query('lock table claims in share row exclusive mode')
      const calls = keys.map(({ key }) => pool.claim({}, { ...once, key }))
      await waitForLock(pool, 'insert into claims', 2)
      return { asked: calls }
    })
    const answers = await Promise.all(asked)
    expect(all(answers, 'status')).toEqual(['done'])
    expect(all(answers, 'instanceId')).toHaveLength(2)
    expect(await countRows(pool.db, 'claimed')).toBe(2)
  })
})
