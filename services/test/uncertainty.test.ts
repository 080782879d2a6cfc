import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, expect, inject, test } from 'vitest'
import request from 'supertest'
import type { PlaceOf, PlaceStatus } from '../src/infra/provider.ts'
import { ProviderError } from '../src/infra/errors.ts'
import { GONE_AFTER } from '../src/limits.ts'
import { probeDue } from '../src/probe.ts'
import { healthy } from './support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

/** What may be concluded from looking at a provider whose reads lag behind, and from calls whose answer got lost. */
let h: Harness
const open = async (over: Record<string, string> = {}) => {
  h = await createHarness(inject('postgresUrl'), over)
}
afterEach(() => h.close())

const LAGGING = { RAILWAY_PROJECT_INTERVAL_MS: '31000' }
const create = (instanceId: string) =>
  request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE }).expect(202)
const destroy = (instanceId: string) => request(h.app).delete(`/destroy/${instanceId}`).set(h.headers)
const again = async (id: string) => {
  await h.makeDue(id)
  await h.pass()
}
const onlyDeployments = () => h.infra.live().flatMap((project) => project.deployments)

/** Lets the provider hide something until `restore` is called. */
function hide<K extends keyof Harness['ctx']['infra']>(verb: K, blind: Harness['ctx']['infra'][K]): { restore(): void } {
  const { infra } = h.ctx
  const seeing = infra[verb]
  infra[verb] = blind
  return { restore: () => void (infra[verb] = seeing) }
}
const noDeployments = (places: PlaceOf[]) =>
  Promise.resolve(
    new Map<string, PlaceStatus>(places.map(({ instanceId }) => [instanceId, { deleted: false, deployment: null }])),
  )

test('what answers was deployed, however long its deployment cannot be seen', async () => {
  await open()
  const id = newId()
  await create(id)
  const unseen = hide('status', noDeployments)
  await h.pass()
  h.instances.at(h.infra.live()[0]?.domains[0] ?? '').health = healthy()
  await probeDue(h.ctx, [id], new AbortController().signal)
  expect((await h.row(id)).phase).toBe('running')
  await h.moveClock(31_000)
  await again(id)
  unseen.restore()
  await h.reach(id, 'running')
  expect(onlyDeployments()).toHaveLength(1)
})

test('a project that was just created is not gone because it cannot be found yet', async () => {
  await open(LAGGING)
  const id = newId()
  await create(id)
  h.infraFaults.inject('create service', 'before')
  await h.pass()
  const unseen = [hide('drop', () => Promise.resolve()), hide('gone', () => Promise.resolve(true))]
  await destroy(id).expect(202)
  await again(id)
  expect((await h.row(id)).phase).toBe('destroying')
  for (const { restore } of unseen) restore()
  await h.moveClock(31_500)
  await h.reach(id, 'destroyed')
  expect(h.infra.live()).toHaveLength(0)
})

test('a project that was left without an environment is replaced when the instance is wanted', async () => {
  await open()
  const id = newId()
  await create(id)
  h.infraFaults.inject('create project', 'after')
  await h.pass()
  const [half] = h.infra.live()
  const halved = hide('find', () => Promise.resolve([{ projectId: half?.projectId ?? '' }]))
  await again(id)
  halved.restore()
  await h.reach(id, 'deploying')
  expect(h.infra.live()).toHaveLength(1)
  expect(h.infra.live()).not.toContain(half)
})

test('a deployment that was asked for is not asked for again because it does not show yet', async () => {
  await open()
  const id = newId()
  h.infra.autoDeploy = false
  await create(id)
  await h.pass()
  await h.moveClock(31_000)
  h.infraFaults.inject('redeploy', 'after')
  await again(id)
  const lagging = hide('status', noDeployments)
  await again(id)
  expect(onlyDeployments()).toHaveLength(1)
  lagging.restore()
  await h.reach(id, 'deploying')
  expect(onlyDeployments()).toHaveLength(1)
})

test('of a project that is missing from an answer nothing follows', async () => {
  await open()
  const id = newId()
  const missing = hide('status', () => Promise.resolve(new Map<string, PlaceStatus>()))
  await create(id)
  await h.pass()
  await h.moveClock(31_000)
  await again(id)
  missing.restore()
  await h.reach(id, 'deploying')
  expect(onlyDeployments()).toHaveLength(1)
})

test('a patch whose answer got lost does not deploy again, even if the configuration is another one by then', async () => {
  await open()
  const id = newId()
  await create(id)
  h.infraFaults.inject('patch', 'after')
  await h.pass()
  h.ctx.config.instance.memoryMb = 1024
  await h.reach(id, 'deploying')
  expect(onlyDeployments()).toHaveLength(1)
})

test('a key that appears after its creation was given up does not stay beside the one the instance has', async () => {
  await open(LAGGING)
  const id = newId()
  await create(id)
  h.keyFaults.inject('create', 'before')
  await h.pass()
  await again(id)
  const resourceId = randomUUID()
  h.keys.set(resourceId, { resourceId, name: h.ctx.marker(id), secret: randomBytes(16).toString('hex') })
  await h.moveClock(31_500)
  await h.reach(id, 'deploying')
  expect(onlyDeployments().map(({ desired }) => desired.env['OPENROUTER_API_KEY'])).toEqual(
    [...h.keys.values()].map(({ secret }) => secret),
  )
})

test('a creation whose answer got lost stays in doubt when the next one is turned away', async () => {
  await open(LAGGING)
  const id = newId()
  await create(id)
  h.keyFaults.inject('create', 'before')
  await h.pass()
  await h.moveClock(31_500)
  const p = { provider: 'fake', operation: 'create', kind: 'rate_limited', uncertain: false } as const
  h.keyFaults.inject('create', new ProviderError('too many requests', p))
  await again(id)
  expect(h.keyFaults.calls.get('create')).toBe(2)
  await destroy(id).expect(202)
  await again(id)
  expect((await h.row(id)).phase).toBe('destroying')
  const resourceId = randomUUID()
  h.keys.set(resourceId, { resourceId, name: h.ctx.marker(id), secret: '' })
  await h.moveClock(GONE_AFTER)
  await h.reach(id, 'destroyed')
  expect(h.keys.size).toBe(0)
})

test('a tool of another version keeps neither the project nor the other tools alive', async () => {
  await open()
  const id = newId()
  await create(id)
  await h.reach(id, 'deploying')
  await h.ctx.db.query(
    `insert into instance_services (instance_id, tool_id, kind, state, resource_id) values ($1, 'pager', 'pager', 'active', 'p1')`,
    [id],
  )
  await destroy(id).expect(202)
  await h.pass()
  expect(h.infra.live()).toHaveLength(0)
  expect(h.keys.size).toBe(0)
  expect(await h.row(id)).toMatchObject({ phase: 'destroying', lastError: expect.stringContaining('pager') as string })
})
