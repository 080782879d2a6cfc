import { readdir } from 'node:fs/promises'
import { Validator } from '@seriousme/openapi-schema-validator'
import { scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { createApp, poolEndpoints } from '../src/app.ts'
import type { AuthClass } from '../src/auth.ts'
import { seedReady, testPool, type TestPool } from './harness.ts'
import { makeKey } from './keys.ts'

/** What the product says of each endpoint; whoever changes one changes it here as well. */
const CLASSES: Record<AuthClass, string[]> = {
  public: [
    'DELETE /api/session',
    'GET /api/pool/agents',
    'GET /api/pool/counts',
    'GET /api/templates',
    'GET /api/templates/:id',
    'GET /api/templates/:id/versions',
    'GET /api/tools',
    'GET /healthz',
    'GET /openapi.json',
    'GET /readyz',
    'GET /version',
    'POST /api/pool/claim/challenge',
    'POST /api/session',
  ],
  claimer: [
    'DELETE /api/pool/claims/:id',
    'DELETE /api/pool/instances/:id',
    'DELETE /api/templates/:id',
    'GET /api/pool/claims/:id',
    'GET /api/pool/events',
    'GET /api/pool/instances/:id',
    'GET /api/session',
    'POST /api/pool/claim',
    'POST /api/templates',
    'POST /api/templates/:id/sync',
    'PUT /api/templates/:id',
  ],
  operator: [
    'DELETE /api/keys/:id',
    'DELETE /api/pool/crashed/:id',
    'DELETE /api/pool/images/:digest/breaker',
    'DELETE /api/pool/instances',
    'DELETE /api/pool/operations/:id',
    'DELETE /api/pool/rollout',
    'GET /api/keys',
    'GET /api/pool/activity',
    'GET /api/pool/alerts',
    'GET /api/pool/debug/:id',
    'GET /api/pool/images',
    'GET /api/pool/instances',
    'GET /api/pool/instances/:id/logs',
    'GET /api/pool/instances/:id/tools/:toolId',
    'GET /api/pool/operations',
    'GET /api/pool/operations/:id',
    'GET /api/pool/providers',
    'GET /api/pool/settings',
    'GET /api/pool/stats',
    'GET /api/pool/status',
    'GET /api/pool/tick',
    'GET /api/pool/versions',
    'PATCH /api/pool/instances/:id',
    'PATCH /api/pool/instances/:id/tools/:toolId',
    'PATCH /api/pool/settings',
    'POST /api/keys',
    'POST /api/pool/drain',
    'POST /api/pool/instances/:id/clone',
    'POST /api/pool/instances/:id/recycle',
    'POST /api/pool/instances/:id/redeploy',
    'POST /api/pool/reconcile',
    'POST /api/pool/replenish',
    'POST /api/pool/rollout',
    'POST /api/session/codes',
  ],
  metrics: ['GET /metrics'],
}
const ALIASES = ['DELETE /api/pool/instances/:id/destroy', 'POST /api/claim']
const PAGES = ['GET /', 'GET /docs', 'GET /{*path}']

interface Layer {
  route?: { path: string; methods: Record<string, boolean> }
  handle: { stack?: Layer[] }
}

/** Every route that the app answers, whatever table it was declared in. */
function mounted(pool: TestPool): string[] {
  const walk = (layers: Layer[]): string[] =>
    layers.flatMap(({ route, handle }) =>
      route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`) : walk(handle.stack ?? []),
    )
  return walk((createApp(pool.ctx, pool.parts) as unknown as { router: { stack: Layer[] } }).router.stack)
}

describe('who may call what', () => {
  test('every endpoint is of the class that the product says', async () => {
    const pool = scoped(await testPool())
    const endpoints = poolEndpoints(pool.ctx, pool.parts)
    const found = (auth: AuthClass) =>
      endpoints.filter((e) => e.auth === auth).map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    for (const [auth, expected] of Object.entries(CLASSES) as [AuthClass, string[]][])
      expect(found(auth).toSorted(), auth).toEqual(expected)
  })

  test('nothing is mounted beside the endpoints, their aliases and the pages', async () => {
    const pool = scoped(await testPool())
    expect(mounted(pool).toSorted()).toEqual([...Object.values(CLASSES).flat(), ...ALIASES, ...PAGES].toSorted())
  })

  test('each answers each role as its class says', async () => {
    const pool = scoped(await testPool({ env: { METRICS_TOKEN: 'metrics-token-000000' }, limits: { feedStreamMs: 0 } }))
    const rank = { public: 0, claimer: 1, operator: 2 }
    const roles = [
      { role: 'public', key: null },
      { role: 'public', key: 'a key that nobody has' },
      { role: 'claimer', key: (await makeKey(pool)).key },
      { role: 'operator', key: (await makeKey(pool, { role: 'operator' })).key },
      { role: 'operator', key: pool.key },
    ] as const
    for (const { method, path, aliases, auth } of poolEndpoints(pool.ctx, pool.parts)) {
      for (const each of [path, ...aliases]) {
        for (const { role, key } of roles) {
          const { status } = await pool.call(method.toUpperCase(), each.replace(':id', 'nothing'), { key })
          const what = `${method} ${each} as ${role}`
          if (auth === 'metrics') expect(status, what).toBe(401)
          // without a valid body the session endpoint says 400 to all; nothing else may say more than its class lets it
          else if (rank[role] >= rank[auth]) expect([401, 403], what).not.toContain(status)
          else expect(status, what).toBe(role === 'public' ? 401 : 403)
        }
      }
    }
  })

  test('a claimer sees and ends its own claim and instance; to another they do not exist', async () => {
    const pool = scoped(await testPool())
    await seedReady(pool, 2)
    const [mine, other] = [await makeKey(pool), await makeKey(pool)]
    const { body: made } = await pool.claim({}, { key: mine.key })
    expect(made).toMatchObject({ status: 'done', gatewayToken: expect.any(String) })
    const claim = `/api/pool/claims/${String(made['claimId'])}`
    const instance = `/api/pool/instances/${String(made['instanceId'])}`
    for (const path of [claim, instance])
      for (const method of ['GET', 'DELETE'])
        expect(await pool.call(method, path, { key: other.key }), `${method} ${path}`).toMatchObject({
          status: 404,
          body: { code: 'NOT_FOUND' },
        })
    expect((await pool.call('DELETE', `${instance}/destroy`, { key: other.key })).status).toBe(404)
    expect((await pool.call('GET', claim, { key: mine.key })).body).toMatchObject({
      status: 'done',
      gatewayToken: made['gatewayToken'],
    })
    expect((await pool.call('GET', instance, { key: mine.key })).body).toMatchObject({ principal: `key:${mine.id}` })
    // an operator sees the claim, and what opens the agent stays its claimer's
    expect((await pool.call('GET', claim)).body).toMatchObject({ status: 'done', gatewayToken: null })
    expect((await pool.call('DELETE', instance, { key: mine.key })).status).toBe(202)
    expect((await pool.call('GET', claim, { key: mine.key })).body).toMatchObject({ status: 'ended' })
  })

  test('what nobody has claimed is not a claimer’s to see or end', async () => {
    const pool = scoped(await testPool())
    const [ready] = await seedReady(pool, 1)
    const { key } = await makeKey(pool)
    for (const method of ['GET', 'DELETE'])
      expect((await pool.call(method, `/api/pool/instances/${ready}`, { key })).status).toBe(404)
    expect((await pool.call('DELETE', `/api/pool/instances/${ready}`)).status).toBe(202)
  })
})

describe('the description', () => {
  interface Described {
    paths: Record<
      string,
      Record<string, { operationId: string; security: unknown[]; responses?: Record<string, { content?: object }> }>
    >
  }
  const describedBy = async (pool: TestPool) =>
    (await pool.call('GET', '/openapi.json', { key: null })).body as unknown as Described

  test('is valid OpenAPI 3.1', async () => {
    const pool = scoped(await testPool())
    const { body } = await pool.call('GET', '/openapi.json', { key: null })
    const validator = new Validator()
    expect(await validator.validate(body)).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test('says everything that is mounted but aliases and pages, each under a name of its own', async () => {
    const pool = scoped(await testPool())
    const { paths } = await describedBy(pool)
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, ...operation })),
    )
    const routes = mounted(pool).filter((route) => ![...ALIASES, ...PAGES].includes(route))
    expect(operations.map(({ route }) => route.replaceAll(/\{(\w+)\}/g, ':$1')).toSorted()).toEqual(routes.toSorted())
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    const open = operations
      .filter(({ security }) => security.length === 0)
      .map(({ route }) => route.replaceAll(/\{(\w+)\}/g, ':$1'))
    expect(open.toSorted()).toEqual(CLASSES.public)
  })

  test('says what is streamed, and in which form', async () => {
    const pool = scoped(await testPool())
    const { paths } = await describedBy(pool)
    const types = (path: string) => Object.keys(paths[path]?.['get']?.responses?.['200']?.content ?? {})
    expect(types('/api/pool/activity')).toEqual(['application/json', 'application/x-ndjson'])
    expect(types('/api/pool/events')).toEqual(['text/event-stream'])
  })

  test('is rendered by a page that needs nothing from elsewhere', async () => {
    const pool = scoped(await testPool())
    const page = await pool.call('GET', '/docs', { key: null })
    expect(page.headers.get('content-type')).toMatch('text/html')
    const links = [...page.text.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path = '']) => path)
    // nothing lies beside what the page asks for
    expect(links.toSorted()).toEqual(
      (await readdir(new URL('../src/docs-page', import.meta.url)))
        .filter((name) => name !== 'index.html')
        .map((name) => `/docs/${name}`)
        .toSorted(),
    )
    for (const answer of [page, ...(await Promise.all(links.map((path) => pool.call('GET', path, { key: null }))))]) {
      expect(answer.status).toBe(200)
      expect(answer.text).not.toMatch(/https?:|\/\/\w+\.|<script>|\bstyle=|\bon\w+=/)
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; (?!.*unsafe)/)
    }
    for (const path of ['/docs/nothing.js', '/docs/..%2fapp.ts']) expect((await pool.call('GET', path)).status).toBe(404)
  })
})
