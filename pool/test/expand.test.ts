import { scoped } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { insertTemplate } from '../src/db/templates.ts'
import { countRows, seedReady, type TestPool, testPool } from './harness.ts'

const ROUNDS = 3
const INVITE = 'https://dev.convos.org/v2?i='

/** What a newer version does to the tables of claims before it starts. */
async function expand({ db }: Pick<TestPool, 'db'>, round: number): Promise<void> {
  for (const table of ['instances', 'claims', 'settings', 'images', 'agent_templates', 'api_keys', 'sessions', 'leases'])
    await db.query(`alter table ${table} add column later_${round} text not null default 'new'`)
}

test('columns that a newer version adds fail no claim of this one, at any replica', async () => {
  const pool = scoped(
    await testPool({
      env: { TICK_INTERVAL_MS: '100' },
      limits: { claimJoinMs: 300, anotherBoxJoinMs: 0, innerReserveMs: -5_000 },
    }),
  )
  const other = scoped(await pool.replica())
  await insertTemplate(pool.db, {
    id: 'tpl_1',
    creator: 'key:pool',
    content: {
      agentName: 'planner',
      instructions: 'Plan.',
      model: { default: null, allow_override: true },
      tools: [{ id: 'email', provisioning: 'pool' }],
      visibility: 'private',
    },
  })
  await seedReady(pool, ROUNDS * 8 + 8)
  /** Every kind of claim, begun at once at both replicas, each looked at, and one given up. */
  const claimAll = async (round: number) => {
    const answers = await Promise.all(
      [pool, other].flatMap((at, n) => [
        at.claim(),
        at.claim({}, { headers: { 'idempotency-key': `${round} of ${n}` } }),
        at.claim({ templateId: 'tpl_1' }),
        at.claim({ joinUrl: `${INVITE}${round}-${n}` }),
      ]),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 202, 200, 200, 200, 202])
    const [first] = answers
    const path = `/api/pool/claims/${String(first?.body['claimId'])}`
    expect((await other.call('GET', path)).body).toMatchObject({ status: 'done' })
    expect((await pool.call('DELETE', path)).body).toMatchObject({ status: 'ended' })
  }
  // every statement has been prepared by both
  await claimAll(0)
  for (let round = 1; round <= ROUNDS; round++) await Promise.all([claimAll(round), expand(pool, round)])
  expect(await countRows(pool.db, 'claiming')).toBe(0)
  for (const { logged } of [pool, other]) expect(logged.filter((line) => /cached plan|pass failed/.test(line))).toEqual([])
})
