import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import request from 'supertest'
import { claimDueLookups, recordDeployFailed } from '../src/db/probes.ts'
import { ProviderError } from '../src/infra/errors.ts'
import { redeployInstance } from '../src/instance/redeploy.ts'
import { CREATE_REFUSALS, DEPLOYMENT_LOOK_EVERY } from '../src/limits.ts'
import { probeDue } from '../src/probe.ts'
import { healthy } from './support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

/** Moving a live instance to another image: the same identity, one new deployment, and nothing believed too early. */
let h: Harness
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterEach(() => h.close())

const NEXT = IMAGE.replace(/a{64}$/, 'b'.repeat(64))
const redeploy = (id: string, body: object) => request(h.app).post(`/redeploy/${id}`).set(h.headers).send(body)
const status = async (id: string) => {
  const { body } = await request(h.app).get(`/instances/${id}`).set(h.headers).expect(200)
  return body as { state: string; image: string; wantedImage: string | null; rolloutError: string | null; error: string | null }
}
const again = async (id: string) => {
  await h.makeDue(id)
  await h.pass()
}
const probe = async (id: string) => {
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
  await probeDue(h.ctx, [id], new AbortController().signal)
}
const dueInMs = async (id: string) => {
  const { rows } = await h.ctx.db.query<{ ms: number }>(
    'select (extract(epoch from next_run_at - clock_now()) * 1000)::float8 as ms from instance_infra where instance_id = $1',
    [id],
  )
  return rows[0]?.ms ?? NaN
}
const project = () => {
  const found = h.infra.live()[0]
  if (!found) throw new Error('there is no project')
  return found
}
const latest = () => {
  const found = project().deployments.at(-1)
  if (!found) throw new Error('there is no deployment')
  return found
}

/** An instance that is up, and answers. */
async function running(): Promise<string> {
  const id = newId()
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: id, image: IMAGE }).expect(202)
  await h.reach(id, 'deploying')
  latest().verdict = 'up'
  h.instances.at(project().domains[0] ?? '').health = healthy()
  await probe(id)
  expect((await status(id)).state).toBe('healthy')
  return id
}

test('is one new deployment of the new image with the same identity, and is over when that one is up', async () => {
  const id = await running()
  const before = latest().desired
  expect((await redeploy(id, { image: NEXT }).expect(200)).body).toEqual({ ok: true, changed: true })
  await h.pass()
  expect(project().deployments).toHaveLength(2)
  expect(latest().desired).toEqual({ ...before, image: NEXT })
  expect([project().volumes.length, project().domains.length, project().services.length]).toEqual([1, 1, 1])

  await probe(id)
  expect(await status(id), 'the old one may still be the one that answers').toMatchObject({ state: 'deploying', image: NEXT })
  latest().verdict = 'up'
  await again(id)
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', image: NEXT, wantedImage: null })
  expect((await redeploy(id, { image: NEXT }).expect(200)).body).toEqual({ ok: true, changed: false })
})

test('the same again while it is under way is the same; another image has to wait', async () => {
  const id = await running()
  const both = await Promise.all([redeploy(id, { image: NEXT }), redeploy(id, { image: NEXT })])
  expect(both.map(({ status: code, body }) => [code, body as object])).toEqual([
    [200, { ok: true, changed: true }],
    [200, { ok: true, changed: true }],
  ])
  const refused = await redeploy(id, { image: IMAGE }).expect(409)
  expect(refused.body).toMatchObject({ code: 'ROLLOUT_IN_PROGRESS' })
  await h.pass()
  expect(project().deployments).toHaveLength(2)
  expect((await status(id)).wantedImage, 'its deployment is known').toBeNull()
  expect((await redeploy(id, { image: NEXT }).expect(200)).body, 'and not up yet').toEqual({ ok: true, changed: true })
  await redeploy(id, { image: IMAGE }).expect(409)
})

test('of many who ask for the same at once none is told that the instance does not run', async () => {
  const id = await running()
  // with connections of their own, so that all have looked before the first has written
  await Promise.all(Array.from({ length: 8 }, () => h.ctx.db.query('select pg_sleep(0.1)')))
  const ask = () => redeployInstance(h.ctx, id, { image: NEXT, force: false })
  expect(await Promise.all(Array.from({ length: 8 }, ask))).toEqual(Array(8).fill(true))
  await h.pass()
  expect(project().deployments).toHaveLength(2)
})

test('a deployment that the provider began by itself, of the old image, is not taken for ours', async () => {
  const id = await running()
  h.infra.autoDeploy = false
  await redeploy(id, { image: NEXT }).expect(200)
  project().deployments.push({ ...latest(), id: 'migrated', desired: { ...latest().desired, image: IMAGE }, verdict: 'up' })
  await h.pass()
  await again(id)
  expect(await status(id)).toMatchObject({ state: 'deploying', wantedImage: NEXT })
  await h.moveClock(31_000)
  await again(id)
  expect(latest().desired.image).toBe(NEXT)
  latest().verdict = 'up'
  await again(id)
  expect(await status(id)).toMatchObject({ image: NEXT, wantedImage: null })
})

test('one that does not come up is looked at less and less', async () => {
  const id = await running()
  await redeploy(id, { image: NEXT }).expect(200)
  await h.pass()
  expect(await dueInMs(id)).toBeLessThanOrEqual(DEPLOYMENT_LOOK_EVERY)
  await h.moveClock(600_000)
  await again(id)
  expect(await dueInMs(id)).toBeGreaterThan(DEPLOYMENT_LOOK_EVERY * 5)
})

test('an older deployment that a late read shows again does not end it', async () => {
  const id = await running()
  const old = latest()
  await redeploy(id, { image: NEXT }).expect(200)
  await h.pass()
  project().deployments.push({ ...old, id: 'migrated', verdict: 'up' })
  await again(id)
  await probe(id)
  expect((await status(id)).state).toBe('deploying')
  project().deployments.pop()
  latest().verdict = 'up'
  await again(id)
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', image: NEXT })
})

test('one whose new deployment fails says so, keeps its volume, and can be started again', async () => {
  const id = await running()
  await redeploy(id, { image: NEXT }).expect(200)
  await h.pass()
  latest().verdict = 'failed'
  await again(id)
  expect(await status(id)).toMatchObject({ state: 'deploy_failed', error: 'the new deployment is failed', wantedImage: null })
  expect(project().volumes).toHaveLength(1)
  expect((await redeploy(id, { image: IMAGE }).expect(200)).body).toEqual({ ok: true, changed: true })
  await h.pass()
  latest().verdict = 'up'
  await again(id)
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', image: IMAGE, error: null })
})

test('one whose new deployment fails while the old one runs on is told as what it is, and can be taken back or tried again', async () => {
  const id = await running()
  await redeploy(id, { image: NEXT }).expect(200)
  await h.pass()
  latest().verdict = 'failed'
  await again(id)
  await probe(id)
  expect(await status(id)).toMatchObject({
    state: 'healthy',
    image: IMAGE,
    wantedImage: null,
    rolloutError: 'the new deployment is failed',
  })
  // what the provider was told last is the other image: to be on this one is a change
  expect((await redeploy(id, { image: IMAGE }).expect(200)).body).toEqual({ ok: true, changed: true })
  await h.pass()
  latest().verdict = 'up'
  await again(id)
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', image: IMAGE, rolloutError: null })
  expect((await redeploy(id, { image: IMAGE }).expect(200)).body).toEqual({ ok: true, changed: false })
  expect((await redeploy(id, { image: NEXT }).expect(200)).body).toEqual({ ok: true, changed: true })
})

test('one whose project was deleted at the provider is given up, not waited for', async () => {
  const id = await running()
  await redeploy(id, { image: NEXT }).expect(200)
  const { status: seeing } = h.ctx.infra
  h.ctx.infra.status = (places) =>
    Promise.resolve(new Map(places.map(({ instanceId }) => [instanceId, { deleted: true, deployment: null }])))
  for (let i = 0; i <= CREATE_REFUSALS; i++) await again(id)
  h.ctx.infra.status = seeing
  expect(await status(id)).toMatchObject({ wantedImage: null, rolloutError: expect.stringContaining('deleted') as string })
})

test('with `force` the same deployment is started again, without another one', async () => {
  const id = await running()
  expect((await redeploy(id, { image: IMAGE, force: true }).expect(200)).body).toEqual({ ok: true, changed: true })
  await h.pass()
  expect(project().deployments).toHaveLength(1)
  expect(h.infraFaults.calls.get('restart')).toBe(1)
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', wantedImage: null })
})

test('with `force` what the provider moved elsewhere meanwhile is started again, not what it was before', async () => {
  const id = await running()
  project().deployments.push({ ...latest(), id: 'moved', verdict: 'up' })
  await redeploy(id, { image: IMAGE, force: true }).expect(200)
  await h.pass()
  expect(project().deployments.map(({ id: name, starts }) => [name === 'moved', starts])).toEqual([
    [false, 1],
    [true, 2],
  ])
})

test('what was seen before it was started again says nothing about it any more', async () => {
  const id = await running()
  await h.ctx.db.query('update instance_infra set next_lookup_at = clock_now() where instance_id = $1', [id])
  const [look] = await claimDueLookups(h.ctx.db, { limit: 1, deployingMs: 10_000, failingMs: 30_000 })
  await redeploy(id, { image: IMAGE, force: true }).expect(200)
  await h.pass()
  // fallen silent once more by the time that the answer comes
  await h.ctx.db.query(`update instance_infra set next_lookup_at = clock_now() + interval '1 s' where instance_id = $1`, [id])
  await recordDeployFailed(h.ctx.db, {
    instanceId: id,
    ticket: look?.ticket ?? '',
    deploymentId: latest().id,
    error: 'it has crashed',
  })
  expect(await status(id)).toMatchObject({ state: 'deploying', error: null })
})

test('one that is refused again and again is given up: what ran before still runs, on the image it had', async () => {
  const id = await running()
  const refused = new ProviderError('no', { provider: 'fake', operation: 'patch', kind: 'permanent', uncertain: false })
  h.infraFaults.inject('patch', refused, CREATE_REFUSALS)
  await redeploy(id, { image: NEXT }).expect(200)
  for (let i = 0; i < CREATE_REFUSALS; i++) await again(id)
  expect(await status(id)).toMatchObject({ state: 'deploy_failed', image: IMAGE, wantedImage: null })
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', image: IMAGE })
  await h.ctx.db.query('update instance_infra set next_run_at = clock_now() where instance_id = $1', [id])
  await h.pass()
  expect(h.infraFaults.calls.get('patch'), 'whatever else wakes the runner').toBe(1 + CREATE_REFUSALS)
})

describe('what else there is to do for an instance', () => {
  const refusal = (kind: ProviderError['kind'], retryAfterMs: number | null = null) =>
    new ProviderError('no', { provider: 'fake', operation: 'test', kind, uncertain: false, retryAfterMs })
  const wishName = (id: string) =>
    h.ctx.db.query(`update instance_infra set wanted_name = 'another' where instance_id = $1`, [id])

  test('when one was given up the next has all its attempts, and a wait is no refusal', async () => {
    const id = await running()
    h.infraFaults.inject('patch', refusal('permanent'), CREATE_REFUSALS)
    h.infraFaults.inject('patch', refusal('rate_limited'))
    h.infraFaults.inject('patch', refusal('permanent'))
    await redeploy(id, { image: NEXT }).expect(200)
    for (let i = 0; i < CREATE_REFUSALS; i++) await again(id)
    expect((await status(id)).state).toBe('deploy_failed')
    await redeploy(id, { image: NEXT }).expect(200)
    for (const _ of ['rate limited', 'refused']) {
      await again(id)
      expect((await status(id)).wantedImage).toBe(NEXT)
    }
    await again(id)
    expect(project().deployments).toHaveLength(2)
  })

  test('a name that is refused for good gives up nothing else', async () => {
    const id = await running()
    await wishName(id)
    h.infraFaults.inject('rename', refusal('permanent'), CREATE_REFUSALS * 3)
    await redeploy(id, { image: NEXT }).expect(200)
    for (let i = 0; i <= CREATE_REFUSALS; i++) await again(id)
    expect((await status(id)).state).toBe('deploying')
    latest().verdict = 'up'
    await again(id)
    await probe(id)
    expect(await status(id)).toMatchObject({ state: 'healthy', image: NEXT })
  })

  test('a name that has to wait holds up nothing else', async () => {
    const id = await running()
    await wishName(id)
    h.infraFaults.inject('rename', refusal('rate_limited', 3_600_000))
    await redeploy(id, { image: NEXT }).expect(200)
    await h.pass()
    expect(await dueInMs(id)).toBeLessThanOrEqual(DEPLOYMENT_LOOK_EVERY)
  })
})

describe.each(['before', 'after'] as const)('when a call of it breaks %s its effect', (fault) => {
  test.each(['patch', 'status'])('%s: there is one new deployment all the same', async (verb) => {
    const id = await running()
    await redeploy(id, { image: NEXT }).expect(200)
    h.infraFaults.inject(verb, fault)
    for (let i = 0; i < 3; i++) await again(id)
    latest().verdict = 'up'
    await again(id)
    expect(await status(id)).toMatchObject({ image: NEXT, wantedImage: null })
    expect(project().deployments).toHaveLength(2)
  })
})

test('variables that an older version set and this one does not are taken away; the set-up password stays', async () => {
  const id = await running()
  const { desired } = latest()
  const old = { ...desired.env, LEGACY_FLAG: '1' }
  await h.ctx.db.query('update instance_infra set desired_env = $2 where instance_id = $1', [
    id,
    h.ctx.vault.seal(JSON.stringify(old), `instance_infra/${id}/desired_env`),
  ])
  await redeploy(id, { image: NEXT }).expect(200)
  await h.pass()
  expect(latest().desired.env).toEqual(desired.env)
  const { rows } = await h.ctx.db.query<{ removed: string[] }>(
    'select removed_variables as removed from instance_infra where instance_id = $1',
    [id],
  )
  expect(rows).toEqual([{ removed: ['LEGACY_FLAG'] }])
})

test('what a rollout that was given up was to take away, the next one takes away', async () => {
  const id = await running()
  const { desired } = latest()
  await h.ctx.db.query('update instance_infra set desired_env = $2 where instance_id = $1', [
    id,
    h.ctx.vault.seal(JSON.stringify({ ...desired.env, LEGACY_FLAG: '1' }), `instance_infra/${id}/desired_env`),
  ])
  const refused = new ProviderError('no', { provider: 'fake', operation: 'patch', kind: 'permanent', uncertain: false })
  h.infraFaults.inject('patch', refused, CREATE_REFUSALS)
  await redeploy(id, { image: NEXT }).expect(200)
  for (let i = 0; i < CREATE_REFUSALS; i++) await again(id)
  await redeploy(id, { image: NEXT }).expect(200)
  const patched = vi.spyOn(h.ctx.infra, 'patch')
  await h.pass()
  expect(patched.mock.calls[0]?.[1].removedVariables).toEqual(['LEGACY_FLAG'])
})

test('one that does not exist, or is not up yet, is refused', async () => {
  await redeploy(newId(), { image: NEXT }).expect(404)
  const id = newId()
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: id, image: IMAGE }).expect(202)
  expect((await redeploy(id, { image: NEXT }).expect(409)).body).toMatchObject({ code: 'INSTANCE_NOT_RUNNING' })
})

test('its provider keeps no checkpoints', async () => {
  const id = await running()
  const { body } = await request(h.app).post(`/recycle/${id}`).set(h.headers).send({}).expect(409)
  expect(body).toMatchObject({ code: 'NOT_SUPPORTED' })
})
