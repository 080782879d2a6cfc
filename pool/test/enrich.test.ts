import { eventually, scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { runEnrich } from '../src/cli/enrich.ts'
import { readWarmUpMs } from '../src/db/instances.ts'
import { newInstanceId } from '../src/naming.ts'
import { enrich } from '../src/recover/index.ts'
import { detailOf, healthOf } from './fake-services.ts'
import { seedRows, statusOf, testPool, type TestPool } from './harness.ts'

const STILL = { env: { TICK_INTERVAL_MS: '600000' }, limits: { readyPollMs: 600_000 } }

/** An agent that somebody has, as services and the box know it. */
function someonesAgent({ services }: TestPool, claimId = 'clm_of_before'): string {
  const id = newInstanceId()
  const health = healthOf({ clean: false, binding: 'active', conversationId: 'c1', inviteUrl: 'https://i', claimId })
  services.instances.set(id, detailOf('healthy', { url: `http://${id}.test`, health }))
  return id
}
const nobodysBox = ({ services }: TestPool): string => {
  const id = newInstanceId()
  services.instances.set(id, detailOf('healthy'))
  return id
}
const run = (pool: TestPool, dryRun = false) => enrich({ db: pool.db, services: pool.ctx.services }, { dryRun })
const allRows = async (pool: TestPool) =>
  (await pool.db.query<{ id: string }>({ text: 'select * from instances order by id' })).rows
const rowOf = async (pool: TestPool, id: string) => (await pool.call('GET', `/api/pool/instances/${id}`)).body

describe('a database that was lost', () => {
  test('an agent that somebody has comes back as theirs, and no claim gets it', async () => {
    const pool = scoped(await testPool(STILL))
    const id = someonesAgent(pool)
    expect(await run(pool, true)).toMatchObject([{ id, kind: 'add', as: 'crashed', claimId: 'clm_of_before' }])
    expect(await allRows(pool)).toHaveLength(0)
    await run(pool)
    expect(await statusOf(pool.db, id)).toBe('crashed')
    await pool.parts.fleet.look({})
    expect(await rowOf(pool, id)).toMatchObject({
      status: 'claimed',
      agentName: 'tokyo-guide',
      conversationId: 'c1',
      inviteUrl: 'https://i',
    })
    expect((await pool.claim()).body).toMatchObject({ code: 'POOL_EMPTY' })
    expect(pool.services.called(/DELETE .destroy/)).toEqual([])
  })

  test('a box that is nobody’s has to prove itself, and is handed out once', async () => {
    const pool = scoped(await testPool(STILL))
    const id = nobodysBox(pool)
    await run(pool)
    expect(await statusOf(pool.db, id)).toBe('starting')
    await pool.parts.fleet.look({})
    expect((await pool.claim()).body).toMatchObject({ instanceId: id })
  })

  test('a box that has answered before says nothing of how creations go: not how long they take, nor that one has failed', async () => {
    const pool = scoped(await testPool(STILL))
    const [id, broken] = [nobodysBox(pool), nobodysBox(pool)]
    await run(pool)
    pool.services.set(broken, { state: 'deploy_failed' })
    await pool.parts.fleet.look({})
    expect([await statusOf(pool.db, id), await statusOf(pool.db, broken)]).toEqual(['ready', 'stuck'])
    expect(await readWarmUpMs(pool.db)).toBeNull()
    expect((await pool.db.query('select image from images where failures > 0')).rows).toEqual([])
  })

  test.each([
    ['dirty', { clean: false }],
    ['at work for a claim', { clean: false, binding: 'working' as const, claimId: 'clm_w' }],
    ['waiting to be let in', { clean: false, binding: 'pending' as const, claimId: 'clm_p' }],
    ['in a conversation that no claim names', { binding: 'active' as const, conversationId: 'c' }],
  ])('a box that is %s is kept for whoever has it', async (_what, health) => {
    const pool = scoped(await testPool(STILL))
    const id = newInstanceId()
    pool.services.instances.set(id, detailOf('healthy', { health: healthOf(health) }))
    await run(pool)
    await pool.parts.fleet.look({})
    expect(await statusOf(pool.db, id)).toBe('crashed')
    expect(pool.services.called(/DELETE .destroy/)).toEqual([])
  })

  test('what services can say nothing of, or has no more, gets no row', async () => {
    const pool = scoped(await testPool(STILL))
    const [silent, going] = [newInstanceId(), newInstanceId()]
    pool.services.instances.set(silent, detailOf('unknown'))
    pool.services.instances.set(going, detailOf('destroying'))
    const found = await run(pool)
    expect(found.map(({ kind }) => kind)).toEqual(['leave', 'leave'])
    expect(found.map(({ id }) => id).toSorted()).toEqual([silent, going].toSorted())
    expect(await allRows(pool)).toHaveLength(0)
  })

  test('a repeat, and any number at once, change nothing more', async () => {
    const pool = scoped(await testPool(STILL))
    const ids = [someonesAgent(pool, 'clm_1'), someonesAgent(pool, 'clm_2'), nobodysBox(pool)]
    await Promise.all([run(pool), run(pool), run(pool)])
    const before = await allRows(pool)
    expect(before.map(({ id }) => id)).toEqual(ids.toSorted())
    expect(await run(pool)).toEqual([])
    expect(await allRows(pool)).toEqual(before)
  })
})

describe('a database that is older than the world', () => {
  test('learns whose an agent is that it kept as somebody’s, which then is claimed', async () => {
    const pool = scoped(await testPool(STILL))
    const id = someonesAgent(pool)
    await seedRows(pool.db, [id])
    await pool.parts.fleet.look({})
    expect(await rowOf(pool, id)).toMatchObject({ status: 'crashed', agentName: null })
    expect(await run(pool)).toMatchObject([{ id, kind: 'complete', claimId: 'clm_of_before' }])
    await pool.parts.fleet.look({})
    expect(await rowOf(pool, id)).toMatchObject({ status: 'claimed', agentName: 'tokyo-guide', conversationId: 'c1' })
  })

  test('does not give an agent back to a claim that ended otherwise here', async () => {
    const pool = scoped(await testPool(STILL))
    const id = someonesAgent(pool, 'clm_known')
    await seedRows(pool.db, [id])
    await pool.db.query({
      text: `insert into instance_events (claim_id, type, actor) values ('clm_known', 'claim_failed', 'test')`,
    })
    await pool.parts.fleet.look({})
    expect(await run(pool)).toMatchObject([{ id, kind: 'leave' }])
    expect(await statusOf(pool.db, id)).toBe('crashed')
  })

  test('keeps what it knows: rows in use, and what they are called', async () => {
    const pool = scoped(await testPool({ env: { POOL_MIN_IDLE: '1', TICK_INTERVAL_MS: '100' } }))
    const claim = await eventually('an agent', async () => {
      const { status, body } = await pool.claim({ agentName: 'Mine' })
      return status === 200 ? body : null
    })
    const id = String(claim['instanceId'])
    expect((await run(pool)).filter((one) => one.id === id)).toEqual([])
    expect(await rowOf(pool, id)).toMatchObject({ status: 'claimed', agentName: 'Mine' })
  })
})

test('the command tells first and writes only when told to; services that cannot be asked leave everything as it is', async () => {
  const pool = scoped(await testPool(STILL))
  const id = someonesAgent(pool)
  const command = async (argv: string[], apiKey = pool.services.apiKey) => {
    const said: string[] = []
    const tell = (text: string) => void said.push(text)
    const env = {
      DATABASE_URL: pool.database.url,
      POOL_ENVIRONMENT: 'dev',
      POOL_API_KEY: pool.key,
      SERVICES_URL: pool.services.url,
      SERVICES_API_KEY: apiKey,
    }
    return { code: await runEnrich(argv, { env, out: tell, err: tell, progress: null }), said: said.join('\n') }
  }
  expect(await command([])).toMatchObject({
    code: 0,
    said: expect.stringMatching(/nothing was written[^]*1 rows that were lost[^]*tokyo-guide/),
  })
  expect(await allRows(pool)).toHaveLength(0)
  expect(await command(['--apply'], 'not-the-key-of-services')).toMatchObject({
    code: 1,
    said: expect.stringContaining('cannot be asked'),
  })
  expect(await allRows(pool)).toHaveLength(0)
  expect(JSON.parse((await command(['--apply', '--json'])).said)).toMatchObject({ dryRun: false, found: [{ id, kind: 'add' }] })
  expect(await allRows(pool)).toHaveLength(1)
})
