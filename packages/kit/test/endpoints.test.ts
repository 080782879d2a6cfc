import request from 'supertest'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { apiApp, bearer, createLogger, type Endpoint, endpoint, mountEndpoints, openApiDocument } from '../src/index.ts'

type Caller = 'open' | 'friend'
const endpoints: Endpoint<Caller>[] = [
  endpoint({
    method: 'get',
    path: '/things/:thingId',
    operationId: 'getThing',
    summary: 'One thing',
    auth: 'open',
    params: z.object({ thingId: z.string().regex(/^\d+$/, 'must be a number') }),
    query: z.object({ limit: z.coerce.number().int().max(10).default(5), after: z.string().optional() }),
    replies: { 200: z.object({ thingId: z.string(), limit: z.number() }) },
    handle: ({ params: { thingId }, query: { limit } }) => ({ status: 200, body: { thingId, limit } }),
  }),
  endpoint({
    method: 'post',
    path: '/things',
    operationId: 'addThing',
    summary: 'Add a thing',
    auth: 'friend',
    body: z.object({ name: z.string().min(1) }),
    replies: { 202: z.object({ name: z.string() }).describe('it is being made') },
    handle: async ({ body }) => ({ status: 202, body, headers: { Location: `/things/${body.name}` } }),
  }),
  endpoint({
    method: 'delete',
    path: '/things/:thingId',
    aliases: ['/old/things/:thingId'],
    operationId: 'dropThing',
    summary: 'Drop a thing',
    auth: 'friend',
    params: z.object({ thingId: z.string() }),
    headers: z.object({ 'If-Match': z.string().min(1).max(8).optional() }),
    body: z.strictObject({ why: z.string().optional() }),
    replies: { 200: z.object({ match: z.string() }), 204: z.undefined().describe('it is gone') },
    handle: ({ headers: { 'If-Match': match } }) =>
      match === undefined ? { status: 204, body: undefined } : { status: 200, body: { match } },
  }),
  endpoint({
    method: 'get',
    path: '/text',
    operationId: 'getText',
    summary: 'Plain text',
    auth: 'open',
    replies: {},
    streams: { 'text/plain': z.string() },
    handle({ res }) {
      res.type('text').send('plain')
      return null
    },
  }),
]
const KEY = 'a key that friends know'
const app = apiApp({
  log: createLogger('test', 'silent'),
  routes: [mountEndpoints(endpoints, { open: [], friend: [bearer([KEY])] })],
})

test('what an endpoint takes is parsed before it is handled', async () => {
  expect((await request(app).get('/things/7?limit=3').expect(200)).body).toEqual({ thingId: '7', limit: 3 })
  expect((await request(app).get('/things/7').expect(200)).body).toEqual({ thingId: '7', limit: 5 })
  const { body } = await request(app).get('/things/seven').expect(400)
  expect(body).toMatchObject({ code: 'INVALID_REQUEST', errors: [{ path: 'thingId', message: 'must be a number' }] })
  await request(app).get('/things/7?limit=11').expect(400)
})

test('an endpoint stands behind the guards of its class, and is guarded before anything is parsed', async () => {
  await request(app).post('/things').send({ nonsense: true }).expect(401)
  const friend = { authorization: `Bearer ${KEY}` }
  await request(app).post('/things').set(friend).expect(400)
  const { headers } = await request(app).post('/things').set(friend).send({ name: 'hat' }).expect(202, { name: 'hat' })
  expect(headers['location']).toBe('/things/hat')
})

test('an alias is the same endpoint, guards and all', async () => {
  await request(app).delete('/old/things/7').expect(401)
  const friend = { authorization: `Bearer ${KEY}` }
  await request(app).delete('/things/7').set(friend).expect(204, '')
  await request(app).delete('/old/things/7').set(friend).expect(204, '')
})

test('headers of its own are parsed, whatever their case', async () => {
  const drop = () =>
    request(app)
      .delete('/things/7')
      .set({ authorization: `Bearer ${KEY}` })
  await drop().set('if-match', 'a').expect(200, { match: 'a' })
  const { body } = await drop().set('IF-MATCH', 'far too long').expect(400)
  expect(body).toMatchObject({ errors: [{ path: 'If-Match' }] })
})

test('an endpoint may write its answer itself', async () => {
  const { text } = await request(app).get('/text').expect(200)
  expect(text).toBe('plain')
})

test('the OpenAPI document says what the endpoints take, answer, and ask of their callers', () => {
  const document = openApiDocument(endpoints, {
    title: 'Things',
    version: '1',
    description: 'For a test',
    security: {
      open: null,
      friend: [
        { name: 'key', scheme: { type: 'http', scheme: 'bearer' }, roles: ['friend'] },
        { name: 'cookie', scheme: { type: 'apiKey', in: 'cookie', name: 'session' } },
      ],
    },
  })
  expect(Object.keys(document.paths)).toEqual(['/things/{thingId}', '/things', '/text'])
  expect(document).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/things/{thingId}': {
        get: {
          operationId: 'getThing',
          security: [],
          parameters: [
            { name: 'thingId', in: 'path', required: true, schema: { type: 'string' } },
            { name: 'limit', in: 'query', required: false },
            { name: 'after', in: 'query', required: false },
          ],
          responses: { 200: { content: { 'application/json': { schema: { required: ['thingId', 'limit'] } } } } },
        },
        delete: {
          parameters: [{ name: 'thingId' }, { name: 'If-Match', in: 'header', required: false }],
          requestBody: { required: false },
          responses: { 200: { content: {} }, 204: { description: 'it is gone' } },
        },
      },
      '/text': {
        get: { responses: { 200: { description: 'Plain text', content: { 'text/plain': { schema: { type: 'string' } } } } } },
      },
      '/things': {
        post: {
          security: [{ key: ['friend'] }, { cookie: [] }],
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { required: ['name'] } } },
          },
          responses: { 202: { description: 'it is being made' }, default: {} },
        },
      },
    },
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' }, cookie: { in: 'cookie' } },
      schemas: { Problem: { type: 'object', additionalProperties: {} } },
    },
  })
})
