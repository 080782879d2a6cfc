import { fakeClock } from '@convos/kit'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import request from 'supertest'
import { bindClaim, recordConfigured } from '../src/db/instances.ts'
import { claimDueInstances, pauseInstance, readHeld } from '../src/db/runner.ts'
import { makeUrgent } from '../src/db/tools.ts'
import { RUNNER_DRAIN } from '../src/limits.ts'
import { driveInstance, startRunner } from '../src/runner.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

/** An instance goes from one holder to the next: nothing that is wished for meanwhile gets lost, and no right outlives its lease. */
let h: Harness
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterEach(() => h.close())

const create = (instanceId: string) =>
  request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE }).expect(202)

test('what a claim wants of an instance while it is driven is not forgotten when it is given back', async () => {
  const id = newId()
  await create(id)
  await h.reach(id, 'deploying')
  await h.ctx.db.query('update instance_infra set next_run_at = clock_now() where instance_id = $1', [id])
  await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 1, urgent: false })
  const lease = { instanceId: id, runnerId: 'a' }
  const { wish, rollout, claimId } = await readHeld(h.ctx.db, lease)
  await bindClaim(h.ctx.db, { instanceId: id, claimId: 'a claim', allowedTools: [], wantedName: 'tokyo' })
  await recordConfigured(h.ctx.db, { instanceId: id, claimId: 'a claim', afterMs: 500 })
  const nothing = { urgent: false, delayMs: null, attempts: 0, refusals: 0, error: null }
  await pauseInstance(h.ctx.db, lease, { wish, rollout, claimId, ...nothing })
  await h.pass('b')
  expect(h.infra.live()[0]?.name).toBe('tokyo')
})

test('an instance that a runner lost and takes again is not driven by the same right as before', async () => {
  const id = newId()
  await create(id)
  const holder = async () => {
    const { rows } = await h.ctx.db.query<{ runnerId: string | null }>('select runner_id as "runnerId" from instance_infra')
    return rows[0]?.runnerId
  }
  h.infraFaults.inject('create project', 'hang')
  h.infraFaults.inject('create service', 'hang')
  const clock = fakeClock('2030-01-01T00:00:00Z')
  const runner = startRunner({ ...h.ctx, clock })
  await h.infraFaults.hanging('create project')
  const first = await holder()
  await h.moveClock(121_000)
  runner.wake()
  await h.infraFaults.hanging('create service')
  const second = await holder()
  expect([typeof first, typeof second, first === second]).toEqual(['string', 'string', false])
  const stopped = runner.stop()
  await clock.advance(RUNNER_DRAIN)
  await stopped
  expect(await claimDueInstances(h.ctx.db, { runnerId: 'next', limit: 10, urgent: false })).toEqual([id])
})

test('a service that is told to stop hands over what somebody waits for as that', async () => {
  const id = newId()
  await create(id)
  await h.reach(id, 'deploying')
  await h.ctx.db.query(
    `insert into instance_services (instance_id, tool_id, kind, state, resource_id) values ($1, 'bell', 'main', 'destroying', 'b')`,
    [id],
  )
  await makeUrgent(h.ctx.db, id)
  await claimDueInstances(h.ctx.db, { runnerId: 'a', limit: 10, urgent: true })
  await driveInstance(h.ctx, { instanceId: id, runnerId: 'a' }, AbortSignal.abort())
  expect(await claimDueInstances(h.ctx.db, { runnerId: 'next', limit: 10, urgent: true })).toEqual([id])
})
