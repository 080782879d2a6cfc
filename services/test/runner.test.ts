import { fakeClock } from '@convos/kit'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { recordPlace } from '../src/db/creation.ts'
import { claimDueInstances, LeaseLost, pauseInstance, readHeld } from '../src/db/runner.ts'
import { logStarted } from '../src/db/saga-log.ts'
import { ensureResources, readTools, recordToolActive } from '../src/db/tools.ts'
import { ProviderError } from '../src/infra/errors.ts'
import { CREATE_REFUSALS, RUNNER_DRAIN } from '../src/limits.ts'
import { driveInstance, startRunner } from '../src/runner.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

let h: Harness
const open = async (over: Record<string, string> = {}) => {
  h = await createHarness(inject('postgresUrl'), over)
}
afterEach(() => h.close())

const create = (instanceId: string) =>
  request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE }).expect(202)
const destroy = (instanceId: string) => request(h.app).delete(`/destroy/${instanceId}`).set(h.headers)
const refused = (kind: ProviderError['kind']) =>
  new ProviderError(`refused: ${kind}`, { provider: 'fake', operation: 'test', kind, uncertain: false })
const never = new AbortController().signal
/** Makes one more project that carries the marker, behind everybody's back. */
const another = (instanceId: string, marker: string) =>
  h.infra.provider.ensure[0].create({
    instanceId,
    name: 'another',
    marker,
    since: new Date(),
    port: 8080,
    mountPath: '/data',
    place: {},
  })

describe('one runner per instance', () => {
  beforeEach(() => open())

  test('an instance that one runner holds is not given to another', async () => {
    const id = newId()
    await create(id)
    expect(await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 10, urgent: false })).toEqual([id])
    expect(await claimDueInstances(h.ctx.db, { runnerId: 'b', limit: 10, urgent: false })).toEqual([])
    await h.moveClock(121_000)
    expect(await claimDueInstances(h.ctx.db, { runnerId: 'b', limit: 10, urgent: false })).toEqual([id])
  })

  test('nothing that a runner writes gets through once its lease has passed to another', async () => {
    const id = newId()
    await create(id)
    await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 10, urgent: false })
    const stale = { instanceId: id, runnerId: 'a' }
    await ensureResources(h.ctx.db, stale, { instanceId: id, toolId: 'openrouter', kinds: ['key'] })
    const [tool] = await readTools(h.ctx.db, [id])
    await h.moveClock(121_000)
    await claimDueInstances(h.ctx.db, { runnerId: 'b', limit: 10, urgent: false })
    const pause = {
      wish: 'present',
      rollout: 1,
      claimId: null,
      urgent: false,
      delayMs: null,
      attempts: 9,
      refusals: 9,
      error: 'stale',
    } as const
    const writes = [
      () => readHeld(h.ctx.db, stale),
      () => recordPlace(h.ctx.db, stale, { place: { serviceId: 'stale' }, url: null }),
      () => logStarted(h.ctx.db, stale, { step: 'project', direction: 'do' }),
      () => recordToolActive(h.ctx.db, stale, { id: tool?.id ?? '', resourceId: 'stale', config: {}, secret: 'stale' }),
      () => pauseInstance(h.ctx.db, stale, pause),
    ]
    for (const write of writes) await expect(write()).rejects.toThrow(LeaseLost)
    await ensureResources(h.ctx.db, stale, { instanceId: id, toolId: 'wallet', kinds: ['wallet'] })
    expect(await readTools(h.ctx.db, [id])).toHaveLength(1)
    expect(await readHeld(h.ctx.db, { instanceId: id, runnerId: 'b' })).toMatchObject({ place: {}, attempts: 0 })
  })

  test('a runner that lost its instance in the middle of a call does not go on with it', async () => {
    const id = newId()
    await create(id)
    await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 10, urgent: false })
    h.infraFaults.inject('create service', 'hang')
    void driveInstance(h.ctx, { instanceId: id, runnerId: 'a' }, never)
    await h.infraFaults.hanging('create service')
    await h.moveClock(121_000)
    await h.pass('b')
    expect((await h.row(id)).phase).toBe('deploying')
    expect(h.infra.live()).toHaveLength(1)
    expect(h.infra.live()[0]?.services).toHaveLength(1)
    expect(h.infra.live()[0]?.deployments).toHaveLength(1)
  })
})

describe('a service that is told to stop', () => {
  beforeEach(() => open())

  test('gives an instance back at once, even out of a call that does not end', async () => {
    const id = newId()
    await create(id)
    h.infraFaults.inject('create project', 'hang')
    const clock = fakeClock('2030-01-01T00:00:00Z')
    const runner = startRunner({ ...h.ctx, clock })
    await h.infraFaults.hanging('create project')
    const stopped = runner.stop()
    await clock.advance(RUNNER_DRAIN)
    await stopped
    expect(await claimDueInstances(h.ctx.db, { runnerId: 'next', limit: 10, urgent: false })).toEqual([id])
  })

  test('begins no further step, of an unwinding either', async () => {
    const id = newId()
    await create(id)
    await h.reach(id, 'deploying')
    await destroy(id).expect(202)
    await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 10, urgent: false })
    await driveInstance(h.ctx, { instanceId: id, runnerId: 'a' }, AbortSignal.abort())
    expect(h.infra.live()).toHaveLength(1)
    expect(await claimDueInstances(h.ctx.db, { runnerId: 'next', limit: 10, urgent: false })).toEqual([id])
  })
})

describe.each(['create project', 'create service', 'create volume', 'create domain', 'patch'])(
  'a runner that dies in %s, after the effect',
  (verb) => {
    beforeEach(() => open())

    test('is followed by one that finds what was made', async () => {
      const id = newId()
      await create(id)
      await claimDueInstances(h.ctx.db, { runnerId: 'dead', limit: 10, urgent: false })
      h.infraFaults.inject(verb, 'hang')
      void driveInstance(h.ctx, { instanceId: id, runnerId: 'dead' }, never)
      await h.infraFaults.hanging(verb)
      await h.pass('next')
      expect((await h.row(id)).phase, 'the lease of the dead one still runs').not.toBe('deploying')
      await h.moveClock(121_000)
      await h.reach(id, 'deploying')
      const [project] = h.infra.live()
      expect(h.infra.live()).toHaveLength(1)
      expect([project?.services.length, project?.volumes.length, project?.domains.length, project?.deployments.length]).toEqual([
        1, 1, 1, 1,
      ])
    })

    test('is followed by one that unwinds what was made', async () => {
      const id = newId()
      await create(id)
      await claimDueInstances(h.ctx.db, { runnerId: 'dead', limit: 10, urgent: false })
      h.infraFaults.inject(verb, 'hang')
      void driveInstance(h.ctx, { instanceId: id, runnerId: 'dead' }, never)
      await h.infraFaults.hanging(verb)
      await destroy(id).expect(202)
      await h.moveClock(121_000)
      await h.pass('next')
      await h.moveClock(121_000)
      await h.reach(id, 'destroyed')
      expect(h.infra.live()).toHaveLength(0)
      expect(h.keys.size).toBe(0)
    })
  },
)

describe('creating projects', () => {
  test('one at a time per workspace: the next waits for its slot, and stays queued', async () => {
    await open({ RAILWAY_PROJECT_INTERVAL_MS: '31000' })
    const ids = [newId(), newId()]
    for (const id of ids) await create(id)
    await Promise.all([h.pass('a'), h.pass('b')])
    expect(h.infra.live()).toHaveLength(1)
    const phases = await Promise.all(ids.map(async (id) => (await h.row(id)).phase))
    expect(phases.toSorted()).toEqual(['deploying', 'queued'])
    for (const id of ids) await h.makeDue(id)
    await h.pass('a')
    expect(h.infra.live()).toHaveLength(1)
    await h.moveClock(31_100)
    await h.pass('b')
    expect(h.infra.live()).toHaveLength(2)
  })

  test('who meets a slot held for a running call looks again after an interval, not after the hold', async () => {
    await open({ RAILWAY_PROJECT_INTERVAL_MS: '31000' })
    const [first, second] = [newId(), newId()]
    await create(first)
    await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 1, urgent: false })
    h.infraFaults.inject('create project', 'hang')
    void driveInstance(h.ctx, { instanceId: first, runnerId: 'a' }, never)
    await h.infraFaults.hanging('create project')
    await create(second)
    await h.pass('b')
    const { nextRunAt } = await h.row(second)
    const { rows } = await h.ctx.db.query<{ now: Date }>('select clock_now() as now')
    expect((nextRunAt?.getTime() ?? Infinity) - (rows[0]?.now.getTime() ?? 0)).toBeLessThanOrEqual(31_000)
  })

  test('a throttle is neither an attempt nor a failure; the workspace waits for one interval', async () => {
    await open({ RAILWAY_PROJECT_INTERVAL_MS: '31000' })
    const id = newId()
    await create(id)
    h.infraFaults.inject('create project', refused('throttled'), 2)
    for (const _ of [1, 2]) {
      await h.pass()
      await h.moveClock(35_000)
    }
    const seen = await request(h.app).get(`/instances/${id}`).set(h.headers).expect(200)
    expect(seen.body).toMatchObject({ state: 'creating', error: expect.stringContaining('throttled') as string })
    expect((seen.body as { steps: unknown[] }).steps).toMatchObject([{ name: 'project', attempts: 0 }])
    await h.reach(id, 'deploying')
    expect(h.infraFaults.calls.get('find'), 'it is certain that nothing was made').toBeUndefined()
  })

  test('after an answer got lost, nothing is created before the lists have caught up', async () => {
    await open({ RAILWAY_PROJECT_INTERVAL_MS: '31000' })
    const id = newId()
    await create(id)
    h.infraFaults.inject('create project', 'before')
    await h.pass()
    await h.makeDue(id)
    await h.pass()
    expect(h.infraFaults.calls.get('create project')).toBe(1)
    await h.moveClock(31_500)
    await h.reach(id, 'deploying')
    expect(h.infraFaults.calls.get('create project')).toBe(2)
    expect(h.infra.live()).toHaveLength(1)
  })

  test.each(['create volume', 'create domain'])('to %s is not repeated either before a look can be trusted', async (verb) => {
    await open({ RAILWAY_PROJECT_INTERVAL_MS: '31000' })
    const id = newId()
    await create(id)
    h.infraFaults.inject(verb, 'before')
    await h.pass()
    await h.makeDue(id)
    await h.pass()
    expect(h.infraFaults.calls.get(verb)).toBe(1)
    await h.moveClock(31_500)
    await h.reach(id, 'deploying')
    expect(h.infraFaults.calls.get(verb)).toBe(2)
  })

  test('of several projects with the same marker the oldest is adopted, the others go', async () => {
    await open()
    const id = newId()
    await create(id)
    h.infraFaults.inject('create project', 'after')
    await h.pass()
    const [first] = h.infra.live()
    await another(id, first?.marker ?? '')
    await h.reach(id, 'deploying')
    expect(h.infra.live()).toEqual([first])
  })
})

describe('giving up', () => {
  beforeEach(() => open())

  test('a creation that is refused again and again becomes deploy_failed, and can still be destroyed', async () => {
    const id = newId()
    await create(id)
    h.infraFaults.inject('create service', refused('permanent'), CREATE_REFUSALS)
    const row = await h.reach(id, 'deploy_failed')
    expect(row.lastError).toContain('refused: permanent')
    expect(h.infraFaults.calls.get('create service')).toBe(CREATE_REFUSALS)
    await destroy(id).expect(202)
    await h.reach(id, 'destroyed')
    expect(h.infra.live()).toHaveLength(0)
  })

  test.each(['transient', 'auth', 'not_found'] as const)(
    'a creation is never given up for failures that are %s',
    async (kind) => {
      const id = newId()
      await create(id)
      h.infraFaults.inject('create service', refused(kind), CREATE_REFUSALS * 2)
      await h.reach(id, 'deploying', CREATE_REFUSALS * 2 + 2)
    },
  )
})

test('a destruction does not inherit the patience that the creation has ended up with', async () => {
  await open()
  const id = newId()
  await create(id)
  h.infraFaults.inject('create service', refused('transient'), 9)
  for (let i = 0; i < 9; i++) {
    await h.makeDue(id)
    await h.pass()
  }
  expect((await h.row(id)).attempts).toBe(9)
  await destroy(id).expect(202)
  h.infraFaults.inject('drop', refused('transient'))
  await h.pass()
  expect((await h.row(id)).attempts).toBe(1)
  await destroy(id).expect(202)
  expect((await h.row(id)).attempts, 'asking again changes nothing').toBe(1)
})

test('what was started and never got an id counts as gone only when 120 s have passed and a look finds nothing', async () => {
  await open()
  const id = newId()
  await create(id)
  h.infraFaults.inject('create project', 'before')
  await h.pass()
  await destroy(id).expect(202)
  await h.pass()
  expect((await h.row(id)).phase).toBe('destroying')
  // the lost creation takes effect after all
  await another(id, h.ctx.marker(id))
  await h.makeDue(id)
  await h.pass()
  expect(h.infra.live()).toHaveLength(0)
  expect((await h.row(id)).phase).toBe('destroying')
  await h.moveClock(121_000)
  await h.reach(id, 'destroyed')
})
