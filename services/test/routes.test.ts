import type { Express } from 'express'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { z } from 'zod'
import { createPublicApp, publicEndpoints } from '../src/public/app.ts'
import { publicDeps } from '../src/public-deps.ts'
import { createHarness, type Harness } from './support/harness.ts'

/** Everything that can be asked of services, found by walking the routes that are really mounted. */
let h: Harness
beforeAll(async () => {
  h = await createHarness(inject('postgresUrl'), { METRICS_TOKEN: 'a-token-for-the-scraper' })
})
afterAll(() => h.close())

const Layer: z.ZodType<Layer> = z.lazy(() =>
  z.looseObject({
    route: z.looseObject({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).optional(),
    handle: z.unknown(),
  }),
)
interface Layer {
  route?: { path: string; methods: Record<string, boolean> } | undefined
  handle: unknown
}

/** Every `METHOD /path` that an app answers, whatever table it was declared in. */
function mounted(stack: unknown): string[] {
  return z
    .array(Layer)
    .parse(stack)
    .flatMap(({ route, handle }) => {
      if (route) return Object.keys(route.methods).map((method) => `${method} ${route.path}`)
      const inner = (handle as { stack?: unknown }).stack
      return inner === undefined ? [] : mounted(inner)
    })
}
const routesOf = (app: Express) => mounted((app as unknown as { router: { stack: unknown } }).router.stack).toSorted()
const pathOf = (route: string) =>
  (route.split(' ')[1] ?? '').replaceAll(/:instanceId/g, 'abcdefghijkl').replaceAll(/:\w+/g, 'email')
const ask = (app: Express, route: string) => {
  const method = z.enum(['get', 'post', 'patch', 'put', 'delete']).parse(route.split(' ')[0])
  return request(app)[method](pathOf(route))
}

describe('the internal listener', () => {
  const OPEN = ['get /healthz', 'get /readyz']

  test('every route that is mounted is described, with who may call it', async () => {
    const { body } = await request(h.app).get('/openapi.json').set(h.headers).expect(200)
    const { paths } = body as { paths: Record<string, Record<string, { operationId: string; security: unknown[] }>> }
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        route: `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
        ...operation,
      })),
    )
    expect([...described.map(({ route }) => route), 'get /openapi.json'].toSorted()).toEqual(routesOf(h.app))
    expect(new Set(described.map(({ operationId }) => operationId)).size).toBe(described.length)
    expect(described.filter(({ security }) => security.length === 0).map(({ route }) => route)).toEqual(OPEN)
    expect(described.length).toBeGreaterThan(25)
  })

  test('no body is refused for a field that is not known: pool may be newer', async () => {
    const { text } = await request(h.app).get('/openapi.json').set(h.headers).expect(200)
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { requestBody?: unknown }>> }
    const bodies = Object.values(paths).flatMap((operations) =>
      Object.values(operations).flatMap((each) => each.requestBody ?? []),
    )
    expect(bodies.length).toBeGreaterThan(8)
    for (const body of bodies) expect(JSON.stringify(body)).not.toContain('"additionalProperties":false')
    await request(h.app).post('/status/batch').set(h.headers).send({ instanceIds: [], newer: true }).expect(200)
  })

  test('none but the open ones answers a stranger, or a pool of another environment', async () => {
    for (const route of routesOf(h.app).filter((each) => !OPEN.includes(each))) {
      expect((await ask(h.app, route)).status, route).toBe(401)
      expect((await ask(h.app, route).set('authorization', 'Bearer wrong')).status, route).toBe(401)
      if (route === 'get /metrics') continue
      expect((await ask(h.app, route).set({ ...h.headers, 'x-environment': 'other' })).status, route).toBe(409)
    }
  })
})

describe('the public listener', () => {
  const deps = () => ({
    ...publicDeps(h.ctx),
    settings: { trustProxy: 0, smsPerDay: 100, fingerprint: 'f', telnyxPublicKey: null },
  })

  test('serves what its table says, and nothing of the internal one but its own sign of life', () => {
    const declared = publicEndpoints(h.ctx, deps()).map(({ method, path }) => `${method} ${path}`)
    const routes = routesOf(createPublicApp(h.ctx, deps()))
    expect(routes).toEqual(declared.toSorted())
    const shared = routes.filter((route) => routesOf(h.app).includes(route))
    // the same words for an agent's own tools: another guard, other rules
    expect(shared).toEqual([
      'delete /destroy/:instanceId/:toolId/:resourceId',
      'get /healthz',
      'post /provision/:instanceId/:toolId',
    ])
  })

  test('the key of pool opens nothing there', async () => {
    const app = createPublicApp(h.ctx, deps())
    for (const route of routesOf(h.app).filter((each) => each !== 'get /healthz'))
      expect([401, 404], route).toContain((await ask(app, route).set(h.headers)).status)
  })

  test('every class of caller has its guard', () => {
    expect(new Set(publicEndpoints(h.ctx, deps()).map(({ auth }) => auth))).toEqual(new Set(['open', 'instance', 'signed']))
  })
})
