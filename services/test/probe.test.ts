import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { probeSoon } from '../src/db/instances.ts'
import { ProviderError } from '../src/infra/errors.ts'
import { lookUpSilent } from '../src/lookup.ts'
import { probeDue } from '../src/probe.ts'
import { healthy, type FakeInstance } from './support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

let h: Harness
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterEach(() => h.close())

/** A deployed instance and the box behind its domain. */
async function deployed(): Promise<{ id: string; box: FakeInstance }> {
  const id = newId()
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: id, image: IMAGE }).expect(202)
  const row = await h.reach(id, 'deploying')
  const box = h.instances.at(new URL(row.url ?? '').host)
  box.health = { status: 502, body: '' }
  return { id, box }
}

const never = new AbortController().signal
/** Makes the instance due and probes it. */
async function probe(id: string) {
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
  await probeDue(h.ctx, [id], never)
  return h.row(id)
}
const detail = async (ids: string[]) =>
  (await request(h.app).post('/status/batch').set(h.headers).send({ instanceIds: ids, detail: true }).expect(200)).body as Record<
    string,
    unknown
  >

test('the first answer that it is ready makes it running', async () => {
  const { id, box } = await deployed()
  expect((await probe(id)).phase).toBe('deploying')
  box.health = healthy({ ready: false })
  expect(await probe(id)).toMatchObject({ phase: 'deploying', health: { ready: false } })
  box.health = healthy()
  expect(await probe(id)).toMatchObject({ phase: 'running', failures: 0, failingSince: null })
  expect(await detail([id])).toMatchObject({
    [id]: { state: 'healthy', health: { ready: true, clean: true, binding: 'none' }, image: IMAGE },
  })
})

test('a probe brings the control token of its instance and of no other', async () => {
  const [a, b] = [await deployed(), await deployed()]
  await probe(a.id)
  await probe(b.id)
  const tokens = [a, b].map(({ box }) => box.seen.at(-1)?.authorization)
  const wanted = h.infra.live().map((project) => `Bearer ${project.deployments[0]?.desired.env['INSTANCE_CONTROL_TOKEN']}`)
  expect(tokens).toEqual(wanted)
  expect(new Set(tokens).size).toBe(2)
})

describe('what is no answer', () => {
  test.each([
    ['an error page', { status: 502, body: '<html>' }],
    ['a refused token', { status: 401, body: {} }],
    ['a redirect', { status: 302, body: '', headers: { location: '/elsewhere' } }],
    ['something else than health', { status: 200, body: { ok: true } }],
    ['text that cannot be kept', healthy({ version: 'a\0b' })],
    ['half a character', { status: 200, body: JSON.stringify(healthy()?.body).replace('1.0.0', String.raw`\ud83d`) }],
    ['a body without end', { status: 200, body: `{"x":"${'x'.repeat(70_000)}"}` }],
  ])('%s: the latest answer stays, the failure counts', async (_what, answer) => {
    const { id, box } = await deployed()
    box.health = healthy({ conversationId: 'kept' })
    await probe(id)
    box.health = answer
    const row = await probe(id)
    expect(row).toMatchObject({ phase: 'running', failures: 1, health: { conversationId: 'kept' } })
    expect(row.failingSince).not.toBeNull()
    expect(box.seen.map(({ path }) => path)).not.toContain('/elsewhere')
  })
})

test('a time of activity is passed on as everybody can read it, or not at all', async () => {
  const { id, box } = await deployed()
  for (const [said, kept] of [
    ['2030-01-01T00:00:00+01:00', '2029-12-31T23:00:00.000Z'],
    ['yesterday', null],
    ['+275760-09-13T00:00:00Z', null],
  ] as const) {
    box.health = healthy({ lastActivityAt: said })
    expect((await probe(id)).health).toMatchObject({ lastActivityAt: kept })
  }
})

test('an instance that answers but is not ready is failing, and what it says is kept', async () => {
  const { id, box } = await deployed()
  box.health = healthy()
  await probe(id)
  const { body } = healthy({ ready: false, binding: 'active', conversationId: 'c' }) ?? {}
  box.health = { status: 503, body }
  expect(await probe(id)).toMatchObject({ failures: 1, health: { binding: 'active', conversationId: 'c' } })
  expect(await detail([id])).toMatchObject({ [id]: { state: 'unreachable' } })
})

test('the answer of a probe that began before something happened to the instance is dropped', async () => {
  const { id, box } = await deployed()
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  box.health = async () => {
    asked.resolve()
    await answer.promise
    return healthy()
  }
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
  const probing = probeDue(h.ctx, [id], never)
  await asked.promise
  await probeSoon(h.ctx.db, id)
  answer.resolve()
  await probing
  expect(await h.row(id)).toMatchObject({ phase: 'deploying', health: null })
})

describe('instances that do not answer', () => {
  const silence = async (id: string, times = 2) => {
    for (let i = 0; i < times; i++) await probe(id)
  }

  test('are looked up, many in one request; the others never', async () => {
    const silent = [await deployed(), await deployed()]
    const { id, box } = await deployed()
    box.health = healthy()
    await probe(id)
    for (const instance of silent) await silence(instance.id)
    const before = h.infraFaults.calls.get('status') ?? 0
    await lookUpSilent(h.ctx)
    await lookUpSilent(h.ctx)
    expect((h.infraFaults.calls.get('status') ?? 0) - before).toBe(1)
  })

  const lookups = () => h.infraFaults.calls.get('status') ?? 0
  /** Running, and silent from now on. */
  const fallen = async () => {
    const { id, box } = await deployed()
    box.health = healthy()
    await probe(id)
    box.health = { status: 502, body: '' }
    await silence(id)
    return id
  }

  test('share their requests, also when they fell silent at different times', async () => {
    await fallen()
    await lookUpSilent(h.ctx)
    await h.moveClock(20_000)
    await fallen()
    const before = lookups()
    await lookUpSilent(h.ctx)
    await h.moveClock(20_000)
    await lookUpSilent(h.ctx)
    expect(lookups() - before, 'the first is not due again: it was looked up with the second').toBe(1)
  })

  test('are left alone for as long as the provider asks for', async () => {
    await fallen()
    const p = { provider: 'railway', operation: 'x', kind: 'rate_limited', uncertain: false, retryAfterMs: 60_000 } as const
    h.infraFaults.inject('status', new ProviderError('slow down', p))
    await expect(lookUpSilent(h.ctx)).rejects.toThrow('slow down')
    const before = lookups()
    await h.moveClock(31_000)
    await lookUpSilent(h.ctx)
    expect(lookups()).toBe(before)
    await h.moveClock(30_000)
    await lookUpSilent(h.ctx)
    expect(lookups()).toBe(before + 1)
  })

  test('become deploy_failed when their deployment failed, and running again when they answer after all', async () => {
    const { id, box } = await deployed()
    const [deployment] = h.infra.live()[0]?.deployments ?? []
    if (deployment) deployment.verdict = 'failed'
    await silence(id)
    await lookUpSilent(h.ctx)
    expect(await h.row(id)).toMatchObject({ phase: 'deploy_failed', lastError: 'its latest deployment failed' })
    box.health = healthy()
    expect(await probe(id)).toMatchObject({ phase: 'running', lastError: null })
  })

  test('stay what they are when the provider cannot be asked, or does not know them', async () => {
    const { id, box } = await deployed()
    box.health = healthy()
    await probe(id)
    box.health = { status: 502, body: '' }
    await silence(id)
    h.infraFaults.inject('status', 'before')
    await expect(lookUpSilent(h.ctx)).rejects.toThrow()
    for (const project of h.infra.live()) project.deleted = true
    await h.moveClock(31_000)
    await lookUpSilent(h.ctx)
    expect(await h.row(id)).toMatchObject({ phase: 'running', health: { ready: true } })
  })
})

test('a batch answers for every id: probed if due, as stored if not, absent if never heard of', async () => {
  const { id, box } = await deployed()
  box.health = healthy()
  await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
  const stranger = newId()
  const { body } = await request(h.app)
    .post('/status/batch')
    .set(h.headers)
    .send({ instanceIds: [id, stranger] })
    .expect(200)
  expect(body).toEqual({ [id]: 'healthy', [stranger]: 'unknown' })
  const seen = box.seen.length
  expect(await detail([id, stranger])).toMatchObject({ [id]: { state: 'healthy' }, [stranger]: { state: 'absent' } })
  expect(box.seen.length, 'not due again yet').toBe(seen)
})
