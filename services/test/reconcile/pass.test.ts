import { acquireLease } from '@convos/kit'
import request from 'supertest'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { ReconcileReply } from '../../src/contract/index.ts'
import { ProviderError } from '../../src/infra/errors.ts'
import { RECONCILE, STRAY_CAP } from '../../src/limits.ts'
import { reconcile } from '../../src/reconcile/pass.ts'
import { createReconcileHarness, type ReconcileHarness } from './support.ts'

/** The ledgers against the providers; what a verdict is made of stands in judge.test.ts. */
let h: ReconcileHarness
beforeAll(async () => {
  h = await createReconcileHarness(inject('postgresUrl'))
})
beforeEach(() => h.clear())
afterAll(() => h.close())

const actions = ({ findings }: ReconcileReply) => findings.map(({ kind, action, provider }) => `${kind} ${action} ${provider}`)
const down = new ProviderError('down', { provider: 'fake', operation: 'list', kind: 'transient', uncertain: false })
const snapshot = () =>
  h.rows(
    `select (select coalesce(jsonb_agg(i order by instance_id), '[]') from instance_infra i) as infra,
      (select coalesce(jsonb_agg(t order by id), '[]') from instance_services t) as services,
      (select coalesce(jsonb_agg(s), '[]') from strays s) as strays`,
  )

describe('orphans', () => {
  test('what a destroyed instance left is destroyed once it is old and was seen before', async () => {
    const id = await h.tombstone()
    const project = await h.addPlace(h.ctx.marker(id))
    const key = h.addKey(h.ctx.marker(id))

    const first = await h.reconcile()
    expect(actions(first)).toEqual(['orphan wait fake', 'orphan wait openrouter/key'])
    expect(first.counts).toEqual({ 'orphan/wait': 2 })
    expect([project.deleted, h.keys.has(key)]).toEqual([false, true])

    await h.growOld()
    const second = await h.reconcile()
    expect(actions(second)).toEqual(['orphan destroy fake', 'orphan destroy openrouter/key'])
    expect(second.findings[0]).toMatchObject({ resourceId: project.projectId, instanceId: id })
    expect([project.deleted, h.keys.has(key)]).toEqual([true, false])

    expect((await h.reconcile()).findings).toEqual([])
    expect(await h.rows('select from strays')).toEqual([])
    const [row] = await h.rows('select runner_id, lease_until, next_run_at, phase from instance_infra where instance_id = $1', [
      id,
    ])
    expect(row).toEqual({ runner_id: null, lease_until: null, next_run_at: null, phase: 'destroyed' })
    const events = await h.rows('select instance_id, detail from instance_events order by id')
    expect(events).toEqual([
      { instance_id: id, detail: { provider: 'fake', resourceId: project.projectId } },
      { instance_id: id, detail: { provider: 'openrouter/key', resourceId: key } },
    ])
  })

  test('a dry run tells what would be done and writes nothing, not even what it saw', async () => {
    const id = await h.tombstone()
    const project = await h.addPlace(h.ctx.marker(id))
    await h.reconcile({ dryRun: true })
    expect(await h.rows('select from strays')).toEqual([])
    await h.reconcile()
    await h.growOld()
    const before = await snapshot()
    const dry = await h.reconcile({ dryRun: true })
    expect(actions(dry)).toEqual(['orphan destroy fake'])
    expect(dry.dryRun).toBe(true)
    expect(await snapshot()).toEqual(before)
    expect(project.deleted).toBe(false)
    expect(await h.rows('select from instance_events')).toEqual([])
  })

  test('what this ledger has no row for is reported for ever and never destroyed', async () => {
    const project = await h.addPlace(h.ctx.marker('unknown00000'))
    const key = h.addKey(h.ctx.marker('unknown00000'))
    await h.reconcile()
    await h.growOld()
    expect(actions(await h.reconcile())).toEqual(['orphan report fake', 'orphan report openrouter/key'])
    expect([project.deleted, h.keys.has(key)]).toEqual([false, true])
  })

  test('a second place of a living instance is reported, as somebody may live in it; a second key beside the live one goes', async () => {
    const first = await h.addPlace(h.ctx.marker('later0000000'))
    const id = await h.living({ projectId: first.projectId })
    first.marker = h.ctx.marker(id)
    const second = await h.addPlace(h.ctx.marker(id))
    const live = h.addKey(h.ctx.marker(id))
    const leftover = h.addKey(h.ctx.marker(id))
    await h.addKeyRow(id, 'active', live)
    await h.reconcile()
    await h.growOld()
    expect(actions(await h.reconcile())).toEqual(['orphan report fake', 'orphan destroy openrouter/key'])
    expect([first.deleted, second.deleted]).toEqual([false, false])
    expect([h.keys.has(live), h.keys.has(leftover)]).toEqual([true, false])
  })

  test('other deployments’, other environments’ and other people’s things are none of ours', async () => {
    const id = await h.tombstone()
    const foreign = [`convos:ffffffff:dev:${id}`, `convos:00000000:production:${id}`, 'somebody’s key']
    for (const name of foreign) {
      await h.addPlace(name)
      h.addKey(name)
    }
    await h.reconcile()
    await h.growOld()
    const reply = await h.reconcile()
    expect(reply).toMatchObject({ findings: [], unlisted: [] })
    expect(h.infra.live()).toHaveLength(3)
    expect(h.keys.size).toBe(3)
  })

  test('a stray that was not seen in between begins anew', async () => {
    const key = h.addKey(h.ctx.marker(await h.tombstone()))
    const hidden = h.keys.get(key)
    await h.reconcile()
    await h.growOld()
    h.keys.delete(key)
    await h.reconcile()
    if (hidden) h.keys.set(key, hidden)
    expect(actions(await h.reconcile())).toEqual(['orphan wait openrouter/key'])
  })

  test('of a provider that cannot be listed nothing is said, of the others everything', async () => {
    const id = await h.tombstone()
    await h.addPlace(h.ctx.marker(id))
    h.addKey(h.ctx.marker(id))
    await h.reconcile()
    await h.growOld()
    h.infraFaults.inject('list', down)
    const reply = await h.reconcile()
    expect(reply.unlisted).toEqual([{ provider: 'fake', error: expect.stringContaining('down') as string }])
    expect(actions(reply)).toEqual(['orphan destroy openrouter/key'])
    // what was seen before stays seen
    expect(actions(await h.reconcile())).toEqual(['orphan destroy fake'])
  })

  test('no more are destroyed within the hour than the cap allows, over all passes', async () => {
    for (let i = 0; i < STRAY_CAP.least + 2; i++) h.addKey(h.ctx.marker(await h.tombstone()))
    await h.reconcile()
    await h.growOld()
    expect((await h.reconcile({ dryRun: true })).counts).toEqual({ 'orphan/destroy': 5, 'orphan/wait': 2 })
    const reply = await h.reconcile()
    expect(reply.counts).toEqual({ 'orphan/destroy': 5, 'orphan/wait': 2 })
    expect(reply.findings.at(-1)?.reason).toContain('this hour')
    expect(h.keys.size).toBe(2)
    expect((await h.reconcile()).counts).toEqual({ 'orphan/wait': 2 })
    await h.growOld(STRAY_CAP.perMs)
    expect((await h.reconcile()).counts).toEqual({ 'orphan/destroy': 2 })
    expect(h.keys.size).toBe(0)
  })

  test('what the provider refuses to destroy waits for the next pass, and its instance is given back', async () => {
    const id = await h.tombstone()
    const key = h.addKey(h.ctx.marker(id))
    await h.reconcile()
    await h.growOld()
    h.keyFaults.inject('destroy', 'before')
    const reply = await h.reconcile()
    expect(actions(reply)).toEqual(['orphan wait openrouter/key'])
    expect(reply.findings[0]?.reason).toContain('could not be destroyed')
    const [row] = await h.rows('select runner_id from instance_infra where instance_id = $1', [id])
    expect(row).toEqual({ runner_id: null })
    expect(actions(await h.reconcile())).toEqual(['orphan destroy openrouter/key'])
    expect(h.keys.has(key)).toBe(false)
  })
})

test('what is refused outright takes nobody’s place under the cap', async () => {
  for (let i = 0; i <= STRAY_CAP.least; i++) h.addKey(h.ctx.marker(await h.tombstone()))
  await h.reconcile()
  await h.growOld()
  const p = { provider: 'keys', operation: 'destroy', kind: 'permanent', uncertain: false } as const
  h.keyFaults.inject('destroy', new ProviderError('it is locked', p), STRAY_CAP.least)
  expect((await h.reconcile()).counts).toEqual({ 'orphan/wait': STRAY_CAP.least, 'orphan/destroy': 1 })
  expect(await h.rows('select type, count(*)::int from instance_events group by type order by type')).toEqual([
    { type: 'stray_destroyed', count: 1 },
    { type: 'stray_refused', count: STRAY_CAP.least },
  ])
})

describe('work in flight', () => {
  /** A left-over key beside a live one, which the next pass would destroy. */
  async function doomed() {
    const project = await h.addPlace('')
    const id = await h.living({ projectId: project.projectId })
    project.marker = h.ctx.marker(id)
    const [live, leftover] = [h.addKey(h.ctx.marker(id)), h.addKey(h.ctx.marker(id))]
    await h.addKeyRow(id, 'active', live)
    await h.reconcile()
    await h.growOld()
    return { id, live, leftover }
  }

  test.each([
    [
      'its runner holds it',
      `update instance_infra set runner_id = 'r', lease_until = clock_now() + interval '1 min' where instance_id = $1`,
    ],
    [
      'there is something to do for it',
      `update instance_infra set next_run_at = clock_now() + interval '1 min' where instance_id = $1`,
    ],
    [
      'a creation of its was sent and not answered',
      `insert into saga_log (instance_id, step, direction, state) values ($1, 'email', 'do', 'started')`,
    ],
  ])('a stray waits while %s', async (_what, change) => {
    const { id, leftover } = await doomed()
    await h.rows(change, [id])
    expect(actions(await h.reconcile())).toEqual(['orphan wait openrouter/key'])
    expect(h.keys.has(leftover)).toBe(true)
  })

  test('a creation that was never answered holds nothing up for ever', async () => {
    const { id, leftover } = await doomed()
    await h.rows(`insert into saga_log (instance_id, step, direction, state) values ($1, 'email', 'do', 'started')`, [id])
    await h.growOld()
    expect(actions(await h.reconcile())).toEqual(['orphan destroy openrouter/key'])
    expect(h.keys.has(leftover)).toBe(false)
  })

  test.each([
    ['a wish', 'update instance_infra set next_run_at = clock_now() where instance_id = $1'],
    [
      'a runner',
      `update instance_infra set runner_id = 'r', lease_until = clock_now() + interval '1 min' where instance_id = $1`,
    ],
  ])('%s that comes between the judgement and the act is seen: the instance must be had first', async (_what, change) => {
    const { id, leftover } = await doomed()
    const reply = await h.meanwhile([[change, [id]]], 'set runner_id', () => h.reconcile())
    expect(actions(reply)).toEqual(['orphan wait openrouter/key'])
    expect(h.keys.has(leftover)).toBe(true)
  })

  test('what the ledger took over between the judgement and the act is read afresh', async () => {
    const { id, live, leftover } = await doomed()
    const changes: [string, unknown[]][] = [
      ['select from instance_infra where instance_id = $1 for update', [id]],
      ['update instance_services set resource_id = $2 where instance_id = $1', [id, leftover]],
    ]
    await h.meanwhile(changes, 'set runner_id', () => h.reconcile())
    expect(h.keys.has(leftover)).toBe(true)
    expect(h.keys.has(live)).toBe(true)
  })

  test('while a stray is destroyed nobody else can take its instance', async () => {
    const { id } = await doomed()
    h.keyFaults.inject('destroy', 'hang')
    void h.reconcile()
    await h.keyFaults.hanging('destroy')
    await h.rows('update instance_infra set next_run_at = clock_now() where instance_id = $1', [id])
    expect(await h.pass()).toEqual([])
  })
})

describe('ghosts', () => {
  test('what is gone without our doing is reported after a look of its own, and changes no row', async () => {
    const place = await h.addPlace('')
    const id = await h.living({ projectId: place.projectId })
    place.deleted = true
    await h.addKeyRow(id, 'active', 'key that is gone')
    const before = await snapshot()
    const reply = await h.reconcile()
    expect(actions(reply)).toEqual(['ghost report fake', 'ghost report openrouter/key'])
    expect(reply.findings.map(({ resourceId }) => resourceId)).toEqual([place.projectId, 'key that is gone'])
    expect(await snapshot()).toEqual(before)
  })

  test('what a list does not show and a look finds is no ghost', async () => {
    const place = await h.addPlace('a list would not show it')
    await h.living({ projectId: place.projectId })
    expect((await h.reconcile()).findings).toEqual([])
  })

  test('what cannot be looked at is not said to be gone', async () => {
    await h.living({ projectId: 'gone' })
    h.infraFaults.inject('gone', down)
    expect(actions(await h.reconcile())).toEqual(['ghost wait fake'])
  })

  test('nothing is said about an instance that goes, was never made, or is younger than lists lag behind', async () => {
    const slow = { ...h.ctx, config: { ...h.ctx.config, listLagMs: 31_000 } }
    const young = await h.living({ projectId: 'young' })
    await h.rows(`update instance_infra set phase_since = clock_now() - interval '20 s' where instance_id = $1`, [young])
    const going = await h.living({ projectId: 'going' })
    await h.rows(`update instance_infra set wish = 'absent', phase = 'destroying' where instance_id = $1`, [going])
    await h.rows(`update instance_infra set phase = 'creating' where instance_id = $1`, [await h.living()])
    expect((await reconcile(slow, { dryRun: true, adopt: [] })).findings).toEqual([])
    await h.rows(`update instance_infra set phase_since = phase_since - interval '20 s'`)
    expect((await reconcile(slow, { dryRun: true, adopt: [] })).findings).toHaveLength(1)
  })
})

test('a pass whose lists took all of its time still acts on what they showed', async () => {
  const key = h.addKey(h.ctx.marker(await h.tombstone()))
  await h.reconcile()
  await h.growOld()
  const now = performance.now.bind(performance)
  const { infra } = h.ctx
  const list: typeof infra.list = async () => {
    vi.spyOn(performance, 'now').mockImplementation(() => now() + RECONCILE)
    await h.rows(`update leases set until = clock_now() - interval '1 s'`)
    return infra.list()
  }
  const reply = await reconcile({ ...h.ctx, infra: { ...infra, list } }, { dryRun: false, adopt: [] }).finally(() =>
    vi.restoreAllMocks(),
  )
  expect(actions(reply)).toEqual(['orphan destroy openrouter/key'])
  expect(h.keys.has(key)).toBe(false)
})

test('a place is said to be destroyed only once its provider says that it is gone', async () => {
  const id = await h.tombstone()
  await h.addPlace(h.ctx.marker(id))
  await h.reconcile()
  await h.growOld()
  const unmoved = { ...h.ctx, infra: { ...h.ctx.infra, drop: async () => {} } }
  expect(actions(await reconcile(unmoved, { dryRun: false, adopt: [] }))).toEqual(['orphan wait fake'])
  h.infraFaults.inject('gone', down)
  expect(actions(await reconcile(unmoved, { dryRun: false, adopt: [] }))).toEqual(['orphan wait fake'])
  // what was accepted may have happened: it counts
  expect(await h.rows('select distinct type from instance_events')).toEqual([{ type: 'stray_destroyed' }])
  expect(actions(await h.reconcile())).toEqual(['orphan destroy fake'])
})

test('one pass at a time, over all replicas', async () => {
  await acquireLease(h.ctx.db, { name: 'reconcile', holder: 'another replica', ms: 60_000 })
  await expect(h.reconcile()).rejects.toMatchObject({ status: 409, code: 'RECONCILE_RUNNING' })
  await h.growOld()
  await h.reconcile()
  expect(await h.rows('select from leases')).toEqual([])
})

test('POST /reconcile is a dry run unless it is told to act', async () => {
  h.addKey(h.ctx.marker('unknown00000'))
  const post = (body: object) => request(h.app).post('/reconcile').set(h.headers).send(body)
  const dry = ReconcileReply.parse((await post({}).expect(200)).body)
  expect(dry).toMatchObject({ dryRun: true, counts: { 'orphan/report': 1 }, unlisted: [] })
  expect(await h.rows('select from strays')).toEqual([])
  await post({ dryRun: false }).expect(200)
  expect(await h.rows('select instance_id from strays')).toEqual([{ instance_id: 'unknown00000' }])
  await post({ adopt: ['not an id'] }).expect(400)
})
