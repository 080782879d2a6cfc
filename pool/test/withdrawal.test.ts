import { withTransaction } from '@convos/kit'
import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { withdraw } from '../src/claim/pending.ts'
import { keepBox } from '../src/db/owned.ts'
import { healthOf, problem } from './fake-services.ts'
import { seedReady, statusOf, type TestPool, testPool, unaudited, waitForLock } from './harness.ts'
import { gate } from './operating.ts'

const INVITE = 'https://dev.convos.org/v2?i=invite-1'
/** Looks happen where the test asks for them, and the caller of a join is answered soon. */
const STILL = {
  env: { TICK_INTERVAL_MS: '600000', CLAIM_PENDING_TIMEOUT_MS: '1000' },
  limits: { readyPollMs: 600_000, changesWaitMs: 25_000, claimJoinMs: 300, anotherBoxJoinMs: 0, innerReserveMs: -5_000 },
}

/** An agent that nobody has let in, and its time is over. */
async function overdue() {
  const pool = scoped(await testPool(STILL))
  const [id = ''] = await seedReady(pool, 1)
  const { body } = await pool.claim({ joinUrl: INVITE })
  expect(body).toMatchObject({ status: 'pending', instanceId: id })
  await unaudited(pool.db, `update instances set status_since = clock_now() - interval '1 h'`)
  return { pool, id, claimId: String(body['claimId']) }
}

/** It is let in; nothing tells pool, which may find out. */
function letIn({ services }: TestPool, id: string, claimId: string): void {
  const known = services.instances.get(id)
  if (!known) throw new Error('services does not know it')
  const health = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', claimId })
  services.instances.set(id, { ...known, health })
}

const find = async (pool: TestPool, claimId: string) => (await pool.call('GET', `/api/pool/claims/${claimId}`)).body

async function expectJoined(pool: TestPool, id: string, claimId: string): Promise<void> {
  expect(await find(pool, claimId)).toMatchObject({ status: 'done', joined: true, conversationId: 'theirs', instanceId: id })
  expect(await statusOf(pool.db, id)).toBe('claimed')
  const { rowCount } = await pool.db.query(`select 1 from instance_events where instance_id = '${id}' and type = 'claimed'`)
  expect(rowCount).toBe(1)
}

describe('an agent that is let in while it is being withdrawn is let in:', () => {
  test('a look finds it before the withdrawal is answered', async () => {
    const { pool, id, claimId } = await overdue()
    const held = gate()
    pool.services.onCancel = async () => {
      await held.pass()
      return true
    }
    await pool.parts.fleet.look({})
    await held.reached
    letIn(pool, id, claimId)
    await pool.parts.fleet.look({})
    await expectJoined(pool, id, claimId)
    const looks = pool.services.called(/status/).length
    held.open()
    await eventually('the withdrawal to be dealt with', () => pool.services.called(/status/).length > looks)
    await pool.stop()
    const other = scoped(await pool.replica())
    await expectJoined(other, id, claimId)
  })

  test('the withdrawal itself says so', async () => {
    const { pool, id, claimId } = await overdue()
    pool.services.onCancel = () => {
      letIn(pool, id, claimId)
      return true
    }
    await pool.parts.fleet.look({})
    await eventually('it to be claimed', async () => (await statusOf(pool.db, id)) === 'claimed')
    await expectJoined(pool, id, claimId)
  })

  test.each([
    ['the withdrawal is not answered', false],
    ['the withdrawal says so, but not yet which conversation it is', true],
  ])('%s', async (_how, joined) => {
    const { pool, id, claimId } = await overdue()
    pool.services.onCancel = () => {
      if (joined) return true
      letIn(pool, id, claimId)
      throw problem(504, 'INSTANCE_TIMEOUT')
    }
    await withdraw(pool.ctx, { id, claimId, reason: 'its time is over' })
    expect(await find(pool, claimId)).toMatchObject({ status: 'pending', instanceId: id })
    letIn(pool, id, claimId)
    await pool.parts.fleet.look({})
    await expectJoined(pool, id, claimId)
  })

  test('that is written at the moment in which the withdrawal would be', async () => {
    const { pool, id, claimId } = await overdue()
    const owned = { instanceId: id, claimId }
    const { withdrawn } = await withTransaction(pool.db, async (tx) => {
      const how = {
        from: 'pending',
        to: 'claimed',
        conversationId: 'theirs',
        inviteUrl: null,
        joined: true,
        actor: 'pool',
      } as const
      expect(await keepBox(tx, { ...owned, ...how })).toBe(true)
      // its box was asked before it was let in, and said that it was not
      const asked = withdraw(pool.ctx, { id, claimId, reason: 'its time is over' })
      await waitForLock(pool, 'update instances')
      return { withdrawn: asked }
    })
    await withdrawn
    await expectJoined(pool, id, claimId)
    // it was not so much as tried: the database would have refused it
    expect(pool.logged.filter((line) => line.includes('could not be withdrawn'))).toEqual([])
  })
})
