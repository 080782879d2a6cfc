import { eventually, scoped, startCollector } from '@convos/sandbox/testing'
import { Router } from 'express'
import { pino } from 'pino'
import request from 'supertest'
import { afterEach, describe, expect, test } from 'vitest'
import { apiApp, createLogger, HttpError, inSpan, openTracing, Problem, traceHeaders, traceparent } from '../src/index.ts'

const log = createLogger('test', 'silent')
const TRACE = 'a'.repeat(32)
const GIVEN = `00-${TRACE}-${'b'.repeat(16)}-01`

let close: (() => Promise<void>) | null = null
afterEach(() => close?.())

async function collecting() {
  const collector = scoped(await startCollector())
  close = await openTracing({ endpoint: collector.url, service: 'test', environment: 'dev', version: '1' }, log)
  const told = async () => {
    await close?.()
    close = null
    return collector.spans
  }
  return { collector, told }
}

describe('spans', () => {
  test('are in the one that is under way, across awaits, and say which process they are from', async () => {
    const { told } = await collecting()
    await inSpan('outer', { parent: GIVEN }, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all([inSpan('a', {}, async () => {}), inSpan('b', {}, async () => {})])
    })
    await inSpan('alone', {}, async () => {})
    const [a, b, outer, alone] = await told()
    expect(outer).toMatchObject({ name: 'outer', traceId: TRACE, parentSpanId: 'b'.repeat(16) })
    for (const inner of [a, b]) expect(inner).toMatchObject({ traceId: TRACE, parentSpanId: outer?.spanId })
    expect(alone?.parentSpanId).toBeNull()
    expect(alone?.traceId).not.toBe(TRACE)
    expect(outer?.resource).toMatchObject({ 'service.name': 'convos-test', 'deployment.environment.name': 'dev' })
  })

  test('go on from what was handed on, and begin anew where that is nothing or nonsense', async () => {
    const { told } = await collecting()
    const handed = await inSpan('first', {}, async () => traceparent())
    await inSpan('second', { parent: handed }, async () => {})
    await inSpan('third', { parent: null }, async () => {})
    await inSpan('fourth', { parent: 'nonsense' }, async () => {})
    const [first, second, third, fourth] = await told()
    expect(second).toMatchObject({ traceId: first?.traceId, parentSpanId: first?.spanId })
    expect([third?.parentSpanId, fourth?.parentSpanId]).toEqual([null, null])
  })

  test('say nothing but what is on the list, and of a failure its kind alone', async () => {
    const { collector, told } = await collecting()
    const secret = 'hunter2-hunter2-hunter2'
    // what a careless caller might do, past the compiler
    const careless = { 'convos.claim_id': 'clm_1', authorization: secret, 'http.url': `https://x.test/?key=${secret}` } as object
    const failing = async (err: Error) => {
      const work = async () => {
        throw err
      }
      await expect(inSpan('fails', { attributes: careless }, work)).rejects.toBe(err)
    }
    await failing(new Error(`the password is ${secret}`))
    await failing(new Problem({ status: 409, code: 'TAKEN', detail: secret }))
    await failing(new HttpError(secret, { kind: 'status', status: 401, body: { secret } }))
    const spans = await told()
    expect(spans.map(({ attributes }) => attributes)).toEqual(
      ['Error', 'TAKEN', 'HttpError'].map((type) => ({ 'convos.claim_id': 'clm_1', 'error.type': type })),
    )
    expect(spans.every(({ failed }) => failed)).toBe(true)
    expect(collector.received).not.toContain(secret)
  })

  test('a collector that is gone disturbs nobody, and keeps nobody from stopping', async () => {
    const collector = await startCollector()
    close = await openTracing({ endpoint: collector.url, service: 'test', environment: 'dev', version: '1' }, log)
    await collector[Symbol.asyncDispose]()
    expect(await inSpan('lost', {}, async () => 7)).toBe(7)
    await close()
    close = null
  })

  test('without a collector work is done as it is, and nothing is handed on', async () => {
    close = await openTracing({ endpoint: null, service: 'test', environment: 'dev', version: '1' }, log)
    expect(await inSpan('none', {}, async () => [traceparent(), traceHeaders()])).toEqual([null, {}])
  })
})

describe('requests', () => {
  const lines: Record<string, unknown>[] = []
  const app = (traceBegins: 'writes' | 'never') =>
    apiApp({
      log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }),
      traceBegins,
      routes: [
        Router()
          .get('/things/:id', (_req, res) => void res.json(traceHeaders()))
          .post('/things/:id', (_req, res) => void res.json(traceHeaders()))
          .get('/broken', () => {
            throw new Error('a bug')
          }),
      ],
    })
  const parentIn = (body: unknown) => (body as { traceparent?: string }).traceparent

  test('go on in their caller’s trace, by the name of their route, with the request id', async () => {
    const { told } = await collecting()
    const { body } = await request(app('never')).get('/things/7?key=secret').set('traceparent', GIVEN).set('x-request-id', 'r-1')
    await request(app('never')).get('/broken').set('traceparent', GIVEN)
    const [span, broken] = await told()
    expect(span).toMatchObject({
      name: 'GET /things/:id',
      traceId: TRACE,
      parentSpanId: 'b'.repeat(16),
      attributes: { 'http.route': '/things/:id', 'http.response.status_code': 200, 'convos.request_id': 'r-1' },
    })
    expect(parentIn(body)).toBe(`00-${TRACE}-${span?.spanId}-01`)
    expect(broken).toMatchObject({ failed: true, attributes: { 'error.type': '500' } })
  })

  test('begin one where they may change something, and only where that is wanted', async () => {
    const { told } = await collecting()
    expect(parentIn((await request(app('writes')).post('/things/7').send({})).body)).toBeDefined()
    expect(parentIn((await request(app('writes')).get('/things/7')).body)).toBeUndefined()
    expect(parentIn((await request(app('never')).post('/things/7').send({})).body)).toBeUndefined()
    expect(await told()).toHaveLength(1)
  })

  test('log lines name the trace, also of a caller where this process makes no spans', async () => {
    lines.length = 0
    await request(app('never')).get('/things/7').set('traceparent', GIVEN)
    await eventually('it is logged', () => lines.length > 0)
    expect(lines[0]).toMatchObject({ traceId: TRACE })
    const { told } = await collecting()
    const said: Record<string, unknown>[] = []
    const logger = createLogger('test', 'info', { write: (line) => void said.push(JSON.parse(line) as Record<string, unknown>) })
    await inSpan('work', { parent: GIVEN }, async () => logger.info('within'))
    logger.info('outside')
    const [span] = await told()
    expect(said[0]).toMatchObject({ msg: 'within', traceId: TRACE, spanId: span?.spanId })
    expect(said[1]).not.toHaveProperty('traceId')
  })
})
