import { scoped } from '@convos/sandbox/testing'
import type { Finding } from '@convos/services/contract'
import type { z } from 'zod'
import { describe, expect, test } from 'vitest'
import type { ReconcileReport } from '../src/contract/index.ts'
import { newInstanceId } from '../src/naming.ts'
import { detailOf, healthOf, problem } from './fake-services.ts'
import { countRows, seedRows, statusOf, testPool, type TestPool } from './harness.ts'
import { makeKey } from './keys.ts'
import { claimed, eventsOf, finished, gate } from './operating.ts'

const FAST = { limits: { itemRetryMs: 10 } }
const reconcile = (pool: TestPool, body: unknown = {}) => pool.call('POST', '/api/pool/reconcile', { body })

async function report(pool: TestPool, body: unknown = {}): Promise<ReconcileReport> {
  const over = await finished(pool, (await reconcile(pool, body)).body)
  expect(over).toMatchObject({ kind: 'reconcile', state: 'done', items: [{ instanceId: null, state: 'done' }] })
  return over['report'] as ReconcileReport
}

const finding = (p: Partial<z.infer<typeof Finding>>): z.infer<typeof Finding> => ({
  provider: 'railway',
  resourceId: 'r',
  instanceId: null,
  kind: 'orphan',
  action: 'report',
  reason: 'why',
  createdAt: null,
  ...p,
})
const bound = healthOf({ clean: false, binding: 'active', conversationId: 'theirs', inviteUrl: 'https://i', claimId: 'clm_lost' })

describe('a reconcile', () => {
  test('changes nothing unless told to, and reports what services found beside what pool sees', async () => {
    const pool = scoped(await testPool())
    // from here on nothing looks at the fleet by itself
    await pool.parts.tick.stop()
    const healthy = newInstanceId()
    pool.services.instances.set(healthy, detailOf('healthy'))
    await seedRows(pool.db, [healthy])
    const [unheardOf, stuck, silent, lost] = [newInstanceId(), newInstanceId(), newInstanceId(), newInstanceId()]
    pool.services.instances.set(lost, detailOf('healthy'))
    await seedRows(pool.db, [unheardOf], 'ready')
    await seedRows(pool.db, [stuck, silent], 'stuck')
    await pool.db.query({ text: 'update instances set touched_at = clock_now() where id = $1', values: [stuck] })
    pool.services.instances.set(stuck, detailOf('healthy', { health: healthOf({ clean: false }) }))
    pool.services.instances.set(silent, detailOf('unknown'))
    const findings = [finding({ instanceId: 'strangestray' }), finding({ instanceId: healthy, kind: 'ghost' }), finding({})]
    pool.services.onReconcile = () => ({ findings, unlisted: [{ provider: 'sms', error: 'no' }], counts: { 'orphan/report': 2 } })
    expect(await report(pool)).toEqual({
      dryRun: true,
      findings,
      unlisted: [{ provider: 'sms', error: 'no' }],
      counts: { 'orphan/report': 2 },
      absent: [unheardOf],
      unknown: ['strangestray', lost].toSorted(),
      silent: [],
      adopted: [],
      wouldDestroy: expect.arrayContaining([
        { instanceId: unheardOf, from: 'ready', type: 'gone', reason: 'absent' },
        { instanceId: stuck, from: 'stuck', type: 'auto_destroy', reason: 'a failed claim touched it' },
      ]),
    })
    expect(pool.services.called(/reconcile/)[0]?.body).toEqual({ dryRun: true, adopt: [] })
    expect([await statusOf(pool.db, unheardOf), await statusOf(pool.db, stuck)]).toEqual(['ready', 'stuck'])
    expect((await report(pool, { dryRun: false })).dryRun).toBe(false)
    expect(pool.services.called(/reconcile/)[1]?.body).toEqual({ dryRun: false, adopt: [] })
  })

  test('waits for its turn while another one is under way', async () => {
    const pool = scoped(await testPool(FAST))
    let tries = 0
    pool.services.onReconcile = () => {
      if (tries++ < 2) throw problem(409, 'RECONCILE_RUNNING')
      return {}
    }
    expect(await report(pool)).toMatchObject({ findings: [] })
    expect(tries).toBe(3)
  })

  test('does not keep others waiting however long it takes', async () => {
    const pool = scoped(await testPool(FAST))
    const id = await claimed(pool)
    const pass = gate()
    pool.services.onReconcile = async () => {
      await pass.pass()
      return {}
    }
    const { body } = await reconcile(pool)
    await pass.reached
    const redeploy = await pool.call('POST', `/api/pool/instances/${id}/redeploy`)
    expect(await finished(pool, redeploy.body)).toMatchObject({ state: 'done' })
    expect((await pool.call('GET', `/api/pool/operations/${String(body['id'])}`)).body).toMatchObject({
      state: 'running',
      report: null,
    })
    pass.open()
    await finished(pool, body)
  })

  test('that services refuses says why', async () => {
    const pool = scoped(await testPool(FAST))
    pool.services.onReconcile = () => {
      throw problem(409, 'DATABASE_DETACHED')
    }
    expect(await finished(pool, (await reconcile(pool)).body)).toMatchObject({
      state: 'failed',
      items: [{ error: 'fake DATABASE_DETACHED' }],
      report: null,
    })
  })

  test('is for operators, and takes what its body may say', async () => {
    const pool = scoped(await testPool())
    const { key } = await makeKey(pool)
    expect((await pool.call('POST', '/api/pool/reconcile', { key })).status).toBe(403)
    for (const body of [{ dryRun: 'no' }, { adopt: ['x'] }, { adopt: Array.from({ length: 101 }, newInstanceId) }, { all: true }])
      expect(await reconcile(pool, body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    expect(pool.services.called(/reconcile/)).toEqual([])
  })
})

describe('an instance is adopted', () => {
  /** Services takes it back when it is told to, as it would from its provider. */
  function lost(pool: TestPool): string {
    const id = newInstanceId()
    pool.services.onReconcile = ({ dryRun, adopt }) => {
      const known = pool.services.instances.has(id)
      if (!dryRun && !known && adopt.includes(id)) pool.services.set(id, detailOf('healthy', { health: bound, url: 'https://u' }))
      const said = known ? { action: 'refuse', reason: 'the ledger has a row' } : { action: 'adopt', reason: 'it answers' }
      return { dryRun, findings: adopt.includes(id) ? [finding({ instanceId: id, kind: 'adopted', ...said } as never)] : [] }
    }
    return id
  }

  test('as crashed, with its conversation and without a claim: nobody gets it, and automation leaves it alone', async () => {
    const pool = scoped(await testPool({ env: { TICK_INTERVAL_MS: '100' } }))
    const id = lost(pool)
    expect((await report(pool, { adopt: [id] })).adopted).toMatchObject([{ instanceId: id, action: 'adopt' }])
    expect(await statusOf(pool.db, id)).toBeNull()
    expect((await report(pool, { adopt: [id, id], dryRun: false })).adopted).toMatchObject([{ instanceId: id, action: 'adopt' }])
    const { rows } = await pool.db.query({
      text: 'select status, claim_id, conversation_id, invite_url, url, touched_at is not null as touched from instances where id = $1',
      values: [id],
    })
    expect(rows).toEqual([
      { status: 'crashed', claim_id: null, conversation_id: 'theirs', invite_url: 'https://i', url: 'https://u', touched: true },
    ])
    expect((await eventsOf(pool, id))[0]).toMatchObject({
      type: 'adopted',
      actor: 'key:pool',
      reason: 'adopted by an operator',
      detail: { claimId: 'clm_lost', conversationId: 'theirs' },
    })
    const looks = pool.services.called(/status/).length
    await expect.poll(() => pool.services.called(/status/).length).toBeGreaterThan(looks + 3)
    expect(await statusOf(pool.db, id)).toBe('crashed')
    expect(await pool.claim()).toMatchObject({ status: 503 })
    expect((await pool.call('DELETE', `/api/pool/crashed/${id}`)).status).toBe(202)
  })

  test('once: by whoever goes on after the one that had services take it back', async () => {
    const pool = scoped(await testPool())
    const id = lost(pool)
    pool.services.set(id, detailOf('healthy', { health: bound }))
    expect((await report(pool, { adopt: [id] })).adopted).toMatchObject([{ action: 'adopt' }])
    expect(await statusOf(pool.db, id)).toBeNull()
    expect((await report(pool, { adopt: [id], dryRun: false })).adopted).toMatchObject([{ action: 'adopt' }])
    for (const dryRun of [true, false])
      expect((await report(pool, { adopt: [id], dryRun })).adopted).toEqual([
        { instanceId: id, action: 'refuse', reason: 'the pool has a row of it' },
      ])
    expect(await countRows(pool.db, 'crashed')).toBe(1)
    expect((await eventsOf(pool, id)).filter(({ type }) => type === 'adopted')).toHaveLength(1)
  })

  test('not when services does not have it, and the report says why', async () => {
    const pool = scoped(await testPool())
    const [gone, destroyed] = [newInstanceId(), newInstanceId()]
    pool.services.set(destroyed, detailOf('destroyed'))
    const refusal = finding({ instanceId: gone, kind: 'adopted', action: 'refuse', reason: 'no place carries its marker' })
    pool.services.onReconcile = () => ({ findings: [refusal] })
    expect((await report(pool, { adopt: [gone, destroyed], dryRun: false })).adopted).toEqual([
      { instanceId: gone, action: 'refuse', reason: 'no place carries its marker' },
      { instanceId: destroyed, action: 'refuse', reason: 'services does not have it' },
    ])
    expect([await statusOf(pool.db, gone), await statusOf(pool.db, destroyed)]).toEqual([null, null])
  })
})
