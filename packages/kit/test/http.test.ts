import { Router } from 'express'
import { pino } from 'pino'
import request from 'supertest'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  apiApp,
  bearer,
  createLogger,
  createMetrics,
  HttpError,
  listen,
  type Listening,
  metricsRoute,
  parseRequest,
  Problem,
  requestJson,
  secretMatches,
} from '../src/index.ts'

const log = createLogger('test', 'silent')
const routes = Router()
  .get('/fine', (_req, res) => void res.json({ ok: true }))
  .get('/problem', () => {
    throw new Problem({
      status: 503,
      code: 'POOL_EMPTY',
      detail: 'none left',
      headers: { 'Retry-After': '7' },
      extra: { queueDepth: 2 },
    })
  })
  .get('/bug', async () => {
    throw new Error('the password is hunter2')
  })
  .get('/callee', async () => {
    throw new HttpError('GET /there answered 401', { kind: 'status', status: 401 })
  })
  .get('/odd-reply', (_req, res) => void res.json(z.object({ usage: z.number() }).parse({ usage: 'much' })))
  .post('/parse', (req, res) => void res.json(parseRequest(z.strictObject({ n: z.number() }), req.body)))
  .get('/secret', bearer(['first-secret', 'second']), (_req, res) => void res.json({ ok: true }))
const app = apiApp({ log, routes: [routes] })

describe('errors are problem documents', () => {
  test('a problem carries its code, headers and further members', async () => {
    const res = await request(app).get('/problem').set('X-Request-Id', 'abc-1')
    expect(res.status).toBe(503)
    expect(res.type).toBe('application/problem+json')
    expect(res.headers['retry-after']).toBe('7')
    expect(res.body).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'none left',
      code: 'POOL_EMPTY',
      requestId: 'abc-1',
      queueDepth: 2,
    })
  })

  test('a bug tells its message to nobody', async () => {
    const res = await request(app).get('/bug')
    expect([res.status, res.body.code]).toEqual([500, 'INTERNAL'])
    expect(res.text).not.toContain('hunter2')
  })

  test('what another service refused us is our failure, not our caller’s, and is logged', async () => {
    const lines: string[] = []
    const noisy = createLogger('test', 'error', { write: (line) => void lines.push(line) })
    const res = await request(apiApp({ log: noisy, routes: [routes] })).get('/callee')
    expect([res.status, res.body.code]).toEqual([500, 'INTERNAL'])
    expect(lines.join()).toContain('GET /there answered 401')
  })

  test('a reply of another shape than expected is our failure, and is logged', async () => {
    const lines: string[] = []
    const noisy = createLogger('test', 'error', { write: (line) => void lines.push(line) })
    const res = await request(apiApp({ log: noisy, routes: [routes] })).get('/odd-reply')
    expect([res.status, res.body.code, res.body.errors]).toEqual([500, 'INTERNAL', undefined])
    expect(lines.join()).toContain('usage')
  })

  test('wrong types and unknown fields are listed by path', async () => {
    const res = await request(app).post('/parse').send({ n: 'one', extra: 1 })
    expect(res.status).toBe(400)
    expect(res.body.errors.map((e: { path: string }) => e.path).toSorted()).toEqual(['extra', 'n'])
  })

  test.each([
    ['broken JSON', '{"n":', 400, 'INVALID_JSON'],
    ['a body over 256 KiB', JSON.stringify({ n: 'x'.repeat(300_000) }), 413, 'BODY_TOO_LARGE'],
  ])('%s', async (_name, body, status, code) => {
    const res = await request(app).post('/parse').set('Content-Type', 'application/json').send(body)
    expect([res.status, res.body.code]).toEqual([status, code])
  })

  test('an unknown path is a JSON 404', async () => {
    const res = await request(app).get('/nowhere')
    expect([res.status, res.body.code]).toEqual([404, 'NOT_FOUND'])
  })

  test('every answer names its request; a hostile id is replaced', async () => {
    const res = await request(app).get('/fine').set('X-Request-Id', 'a b<script>')
    expect(res.headers['x-request-id']).toMatch(/^[\w-]{36}$/)
  })
})

describe('a path whose body is signed', () => {
  const echo = Router().post(['/signed', '/parsed'], (req, res) => {
    const body: unknown = req.body
    res.json({ bytes: Buffer.isBuffer(body) ? body.toString() : null, body })
  })
  const mixed = apiApp({ log, routes: [echo], raw: ['/signed'], bodyLimit: 1024 })
  const post = (path: string, body: string, type = 'application/json') =>
    request(mixed).post(path).set('Content-Type', type).send(body)

  test.each(['application/json', 'text/plain'])('gets it as it came (%s), past the JSON parser', async (type) => {
    for (const body of ['{ "n":  1 }', '{"n":']) expect((await post('/signed', body, type).expect(200)).body.bytes).toBe(body)
  })

  test('is the only one that does', async () => {
    expect((await post('/parsed', '{ "n":  1 }').expect(200)).body).toEqual({ bytes: null, body: { n: 1 } })
  })

  test.each(['/signed', '/parsed'])('has the same limit as others: %s', async (path) => {
    const { body } = await post(path, JSON.stringify('x'.repeat(1024))).expect(413)
    expect(body).toMatchObject({ code: 'BODY_TOO_LARGE', detail: 'the body is larger than 1 KiB' })
  })
})

describe('bearer', () => {
  test.each([
    [undefined, 401],
    ['Bearer wrong', 401],
    ['Basic first-secret', 401],
    ['Bearer first-secret-and-more', 401],
    ['Bearer first-secret', 200],
    ['Bearer second', 200],
  ])('Authorization: %s → %i', async (header, status) => {
    const call = request(app).get('/secret')
    expect((await (header === undefined ? call : call.set('Authorization', header))).status).toBe(status)
  })

  test('secrets of other lengths are compared without throwing', () => {
    expect([secretMatches('', ['x']), secretMatches('x', []), secretMatches('x', ['yy', 'x'])]).toEqual([false, false, true])
  })
})

test('metrics are for scrapers with the token, and name routes by pattern', async () => {
  const metrics = createMetrics('test', 'dev')
  const router = Router()
    .get('/things/:id', (_req, res) => void res.json({}))
    .get('/metrics', metricsRoute(metrics.registry, 'scrape'))
  const measured = apiApp({ log, metrics, routes: [router] })
  await request(measured).get('/things/1234')
  expect((await request(measured).get('/metrics')).status).toBe(401)
  const { text } = await request(measured).get('/metrics').set('Authorization', 'Bearer scrape')
  expect(text).toContain('route="/things/:id"')
  expect(text).not.toContain('1234')
})

describe('requestJson', () => {
  let server: Listening | undefined
  afterEach(() => server?.close(0))
  const serve = async (handler: Parameters<typeof listen>[0]) => {
    server = await listen(handler, 0, '127.0.0.1')
    return `http://127.0.0.1:${server.port}/path`
  }
  const reply = z.object({ ok: z.boolean() })
  const failure = (url: string, options = {}) =>
    requestJson(url, { timeoutMs: 2000, reply, ...options }).then(
      () => expect.fail('it should have failed'),
      (err: HttpError) => ({ kind: err.kind, status: err.status, code: err.code, retryAfterMs: err.retryAfterMs }),
    )

  test('parses the reply and ignores what it does not know', async () => {
    const url = await serve((_req, res) => void res.end('{"ok":true,"new":1}'))
    expect(await requestJson(url, { timeoutMs: 2000, reply })).toEqual({ status: 200, data: { ok: true } })
  })

  test('a refusal keeps status, code and Retry-After', async () => {
    const url = await serve((_req, res) => void res.writeHead(429, { 'retry-after': '3' }).end('{"code":"RATE_LIMITED"}'))
    expect(await failure(url)).toEqual({ kind: 'status', status: 429, code: 'RATE_LIMITED', retryAfterMs: 3000 })
  })

  test('a logged failure does not show what the refusal said', async () => {
    const url = await serve((_req, res) => void res.writeHead(400).end('{"code":"BAD","echo":"s3cret"}'))
    const err: unknown = await requestJson(url, { timeoutMs: 2000, reply }).catch((e: unknown) => e)
    expect((err as HttpError).body).toEqual({ code: 'BAD', echo: 's3cret' })
    expect(JSON.stringify(pino.stdSerializers.err(err as Error))).not.toContain('s3cret')
  })

  test('an HTML error page is a refusal, not a parse error', async () => {
    const url = await serve((_req, res) => void res.writeHead(502).end('<html>'))
    expect(await failure(url)).toMatchObject({ kind: 'status', status: 502, code: null })
  })

  test('an answer of another shape, a huge one, a redirect, silence and a closed port are told apart', async () => {
    const wrong = await serve((_req, res) => void res.end('{"ok":"yes"}'))
    expect(await failure(wrong)).toMatchObject({ kind: 'body', status: 200 })
    await server?.close(0)
    const huge = await serve((_req, res) => void res.end('x'.repeat(2000)))
    expect(await failure(huge, { maxBytes: 1000 })).toMatchObject({ kind: 'body' })
    await server?.close(0)
    const redirect = await serve((_req, res) => void res.writeHead(302, { location: '/elsewhere' }).end())
    expect(await failure(redirect)).toMatchObject({ kind: 'status', status: 302 })
    await server?.close(0)
    const silent = await serve(() => {})
    expect(await failure(silent, { timeoutMs: 30 })).toMatchObject({ kind: 'timeout' })
    await server?.close(0)
    expect(await failure(silent)).toMatchObject({ kind: 'network', status: null })
  })
})

test('closing lets a running request finish, and cuts what outlasts the deadline', async () => {
  const began = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const server = await listen(
    (req, res) => {
      began.resolve()
      if (req.url === '/finishes') void release.promise.then(() => res.end('done'))
    },
    0,
    '127.0.0.1',
  )
  const finishing = fetch(`http://127.0.0.1:${server.port}/finishes`).then((res) => res.text())
  const hanging = fetch(`http://127.0.0.1:${server.port}/hangs`).then(
    () => 'answered',
    () => 'cut',
  )
  await began.promise
  const closed = server.close(300)
  release.resolve()
  expect(await finishing).toBe('done')
  await closed
  expect(await hanging).toBe('cut')
})
