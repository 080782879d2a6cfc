import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { probeDue } from '../src/probe.ts'
import { ProviderError } from '../src/infra/errors.ts'
import { CREATE_REFUSALS } from '../src/limits.ts'
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
  return body as { state: string; image: string; wantedImage: string | null; error: string | null }
}
const again = async (id: string) => {
  await h.makeDue(id)
  await h.pass()
}
const probe = async (id: string) => {
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
  await probeDue(h.ctx, [id], new AbortController().signal)
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

test('with `force` the same deployment is started again, without another one', async () => {
  const id = await running()
  expect((await redeploy(id, { image: IMAGE, force: true }).expect(200)).body).toEqual({ ok: true, changed: true })
  await h.pass()
  expect(project().deployments).toHaveLength(1)
  expect(h.infraFaults.calls.get('restart')).toBe(1)
  await probe(id)
  expect(await status(id)).toMatchObject({ state: 'healthy', wantedImage: null })
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
