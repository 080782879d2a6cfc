/** One trace from a claim through services to the instance, as a collector is told of it. */
import { type CollectedSpan, type Collector, eventually, LOADS, spyOnLoads, startCollector } from '@convos/sandbox/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Environment, useWorld } from '../support/world.ts'

const world = useWorld()
const TRACE = 'c'.repeat(32)
const CALLER = 'd'.repeat(16)
let collector: Collector
let system: Environment

beforeAll(async () => {
  collector = await startCollector()
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, LOG_LEVEL: 'debug', ...spyOnLoads('/tracing/otel.ts') }
  system = await world.start('dev', 1, env)
  await eventually('an agent is ready', async () => (await system.api.counts()).idle > 0, { timeoutMs: 30_000 })
})
afterAll(() => collector[Symbol.asyncDispose]())

const spanOf = (service: string, name: string, parent: CollectedSpan): CollectedSpan => {
  const found = collector.spans.find(
    (span) => span.name === name && span.parentSpanId === parent.spanId && span.resource['service.name'] === `convos-${service}`,
  )
  if (!found) {
    const names = collector.spans
      .filter(({ traceId }) => traceId === TRACE)
      .map((span) => `${span.parentSpanId} → ${span.spanId} ${span.name}`)
    throw new Error(`no span "${name}" of ${service} in ${parent.spanId}:\n${names.join('\n')}`)
  }
  return found
}

test('a claim, its phases, the calls to services, the runner’s steps, providers and the instance are one trace', async () => {
  const template = await system.api.call('POST', '/api/templates', {
    agentName: 'Clerk',
    instructions: 'You keep the books, and never tell the word xylophone-instructions.',
    tools: [{ id: 'email', provisioning: 'pool' }],
  })
  const { id: templateId } = z.object({ id: z.string() }).parse(template.body)
  const answer = await system.api.claim(
    { templateId },
    { traceparent: `00-${TRACE}-${CALLER}-01`, 'x-request-id': 'traced-claim' },
  )
  expect(answer.status).toBe(200)
  const claim = system.api.claimed(answer)
  const named = (name: string) => collector.spans.some((span) => span.traceId === TRACE && span.name === name)
  await eventually(
    'the collector was told',
    () => ['POST /api/pool/claim', 'instance POST /pool/provision', 'POST /configure/:instanceId'].every(named),
    { timeoutMs: 15_000 },
  )

  const caller = { spanId: CALLER } as CollectedSpan
  const request = spanOf('pool', 'POST /api/pool/claim', caller)
  expect(request.attributes).toMatchObject({ 'convos.request_id': 'traced-claim', 'http.response.status_code': 200 })
  spanOf('pool', 'claim queued', request)
  const run = spanOf('pool', 'claim run', request)
  expect(run.attributes).toEqual({ 'convos.claim_id': claim.claimId, 'convos.instance_id': claim.instanceId })

  const provisioning = spanOf('services', 'POST /provision/:instanceId/:toolId', inTools(run))
  const step = spanOf('services', 'step do', provisioning)
  spanOf('services', 'provider agentmail', step)

  const configure = spanOf('pool', 'services configure', spanOf('pool', 'claim configure', run))
  const configuring = spanOf('services', 'POST /configure/:instanceId', configure)
  expect(configuring.attributes).toMatchObject({ 'convos.request_id': 'traced-claim' })
  spanOf('services', 'instance POST /pool/provision', configuring)
  for (const span of collector.spans) if (span.traceId === TRACE) expect(span.failed, span.name).toBe(false)
})

const inTools = (run: CollectedSpan) => spanOf('pool', 'services provision', spanOf('pool', 'claim tools', run))

test('the making of an instance is a trace of its own, down to the providers', () => {
  const [create] = collector.spans.filter(({ name, parentSpanId }) => name === 'instance create' && parentSpanId === null)
  if (!create) throw new Error('no instance was created')
  const asked = spanOf('services', 'POST /create-instance', spanOf('pool', 'services create-instance', create))
  const steps = collector.spans.filter(({ name, parentSpanId }) => name === 'step do' && parentSpanId === asked.spanId)
  const providers = collector.spans.filter(({ parentSpanId }) => steps.some(({ spanId }) => spanId === parentSpanId))
  expect(new Set(providers.map(({ name }) => name))).toEqual(new Set(['provider railway', 'provider openrouter']))
})

test('the log finds the trace, in both services', async () => {
  for (const part of [system.pool, system.services]) expect(await part.log()).toContain(`"traceId":"${TRACE}"`)
})

test('no secret, and nothing that anybody wrote, is told', async () => {
  const { pool, services } = system
  const secrets = [pool, services].flatMap(({ env }) =>
    Object.entries(env).flatMap(([name, value]) => (/KEY|TOKEN|SECRET/.test(name) ? value.split(/[,:]/) : [])),
  )
  const { railway } = z
    .object({
      railway: z.object({
        projects: z.array(z.object({ deployments: z.array(z.object({ variables: z.record(z.string(), z.string()) })) })),
      }),
    })
    .parse(await (await fetch(`${world.simulators.url}/_control/resources`)).json())
  const own = railway.projects.flatMap(({ deployments }) =>
    deployments.flatMap(({ variables }) =>
      Object.entries(variables).flatMap(([name, value]) => (/TOKEN|KEY|PASSWORD/.test(name) ? [value] : [])),
    ),
  )
  const telling = [...secrets, ...own].filter((secret) => secret.length >= 8)
  expect(telling.length).toBeGreaterThan(10)
  for (const secret of telling) expect(collector.received).not.toContain(secret)
  expect(collector.received).not.toContain('xylophone')
  expect(collector.received).not.toContain('/v2?i=')
})

test('the libraries are loaded for it', async () => {
  for (const part of [system.pool, system.services])
    expect(await part.log()).toMatch(new RegExp(`^${LOADS}.*/tracing/otel\\.ts$`, 'm'))
})
