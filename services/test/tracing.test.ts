import { inSpan, openTracing } from '@convos/kit'
import { scoped, startCollector } from '@convos/sandbox/testing'
import request from 'supertest'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { ProviderError } from '../src/infra/errors.ts'
import { probeDue } from '../src/probe.ts'
import { createTraces } from '../src/traces.ts'
import { healthy } from './support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

const TRACE = 'a'.repeat(32)
const OTHER = 'e'.repeat(32)
const GIVEN = `00-${TRACE}-${'b'.repeat(16)}-01`
let h: Harness
beforeAll(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterAll(() => h.close())

test('what a request wishes for is done in its trace, with the provider asked in it, until the instance comes to rest', async () => {
  const collector = scoped(await startCollector())
  const close = await openTracing({ endpoint: collector.url, service: 'services', environment: 'dev', version: '1' }, h.ctx.log)
  const instanceId = newId()
  const create = (traceparent: string) =>
    request(h.app)
      .post('/create-instance')
      .set({ ...h.headers, traceparent })
      .send({ instanceId, image: IMAGE })
      .expect(202)
  await create(GIVEN)
  // a repeat is not what began it
  await create(`00-${OTHER}-${'b'.repeat(16)}-01`)
  expect(h.ctx.traces.of(instanceId)).toMatch(TRACE)
  await h.pass()
  const refused = new ProviderError('no', { provider: 'ghcr', operation: 'x', kind: 'permanent', uncertain: false })
  await h.ctx.gates.ghcr.pass('outside', () => Promise.reject(refused)).catch(() => {})
  expect(h.ctx.traces.of(instanceId)).toBeNull()
  await close()
  const server = collector.spans.find(({ name, traceId }) => name === 'POST /create-instance' && traceId === TRACE)
  expect(server).toMatchObject({ traceId: TRACE, parentSpanId: 'b'.repeat(16) })
  const steps = collector.spans.filter(({ name }) => name === 'step do')
  expect(steps.length).toBeGreaterThan(3)
  for (const step of steps) {
    expect(step).toMatchObject({ traceId: TRACE, parentSpanId: server?.spanId, attributes: { 'convos.instance_id': instanceId } })
    // to wait is no failure
    expect(step.failed, String(step.attributes['convos.step'])).toBe(false)
  }
  // what no trace asked for is in none
  expect(collector.spans.some(({ name }) => name === 'provider ghcr')).toBe(false)
})

test('an instance is told the span that calls it', async () => {
  const collector = scoped(await startCollector())
  const close = await openTracing({ endpoint: collector.url, service: 'services', environment: 'dev', version: '1' }, h.ctx.log)
  const instanceId = newId()
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE }).expect(202)
  const instance = h.instances.at(new URL((await h.reach(instanceId, 'deploying')).url ?? '').host)
  instance.health = healthy()
  await probeDue(h.ctx, [instanceId], new AbortController().signal)
  instance.respond = () => ({ status: 200, body: { ok: true, joined: false } })
  const call = (headers: Record<string, string>) =>
    request(h.app)
      .post(`/cancel/${instanceId}`)
      .set({ ...h.headers, ...headers })
      .send({ claimId: 'c1' })
      .expect(200)
  await call({ traceparent: GIVEN })
  await call({})
  await close()
  const span = collector.spans.find(({ name }) => name === 'instance POST /pool/cancel')
  const [traced, untraced] = instance.seen.filter(({ path }) => path === '/pool/cancel')
  expect(traced?.traceparent).toBe(`00-${TRACE}-${span?.spanId}-01`)
  expect(untraced).toMatchObject({ traceparent: undefined })
})

test('a request that waited for its turn behind others is in its own trace, not in theirs', async () => {
  const collector = scoped(await startCollector())
  const close = await openTracing({ endpoint: collector.url, service: 'services', environment: 'dev', version: '1' }, h.ctx.log)
  const gate = Promise.withResolvers<void>()
  const ask = (parent: string, operation: string) =>
    inSpan('wishes', { parent }, () => h.ctx.gates.ghcr.pass(operation, () => gate.promise))
  const before = Array.from({ length: 4 }, () => ask(GIVEN, 'before'))
  const behind = ask(`00-${OTHER}-${'b'.repeat(16)}-01`, 'behind')
  gate.resolve()
  await Promise.all([...before, behind])
  await close()
  const asked = (operation: string) =>
    collector.spans.filter((span) => span.name === 'provider ghcr' && span.attributes['convos.operation'] === operation)
  expect(asked('before').map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE, TRACE])
  expect(asked('behind').map(({ traceId }) => traceId)).toEqual([OTHER])
})

test('of ever so many instances the latest are remembered', async () => {
  const collector = scoped(await startCollector())
  const close = await openTracing({ endpoint: collector.url, service: 'services', environment: 'dev', version: '1' }, h.ctx.log)
  const traces = createTraces()
  await inSpan('wishes', { parent: GIVEN }, async () => {
    for (let n = 0; n <= 1_000; n++) traces.note(`i${n}`)
  })
  expect([traces.of('i0'), traces.of('i1000')]).toEqual([null, expect.stringContaining(TRACE)])
  await close()
})
