import { eventually } from '@convos/sandbox/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startRailway, WORKSPACE, type RailwayApi } from './support/railway-api.ts'

let api: RailwayApi
beforeEach(async () => {
  api = await startRailway()
})
afterEach(() => api.close())

const LIST = `query ProjectsPage { projects(workspaceId: "${WORKSPACE}") { edges { node { id } } } }`
const control = (method: string, path: string, body?: unknown) =>
  fetch(`${api.url}/_control${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
const addFault = async (effect: unknown, match: unknown = { operation: 'projects' }, times?: number) => {
  const response = await control('POST', '/faults', { provider: 'railway', match, times, effect })
  expect(response.status).toBe(201)
  return z.object({ id: z.string() }).parse(await response.json()).id
}
const Faults = z.array(z.object({ id: z.string(), hits: z.int(), held: z.int() }).loose())
const faults = async () => Faults.parse(await (await control('GET', '/faults')).json())
const hits = (count: number) => eventually(`${count} hits`, async () => (await faults())[0]?.hits === count)

describe('rules', () => {
  test('match a GraphQL operation by its name or its root field, in any case', async () => {
    const effect = { kind: 'status', status: 503 }
    for (const operation of ['ProjectsPage', 'projectspage', 'projects', 'PROJECTS']) {
      await addFault(effect, { operation })
      expect((await api.post({ query: LIST })).status).toBe(503)
      expect((await api.post({ query: '{ apiToken { workspaces { id } } }' })).status).toBe(200)
      await control('DELETE', '/faults')
    }
  })

  test.each([
    [{}, true],
    [{ method: 'post' }, true],
    [{ method: 'GET' }, false],
    [{ path: '/graphql/v2' }, true],
    [{ path: '/railway/graphql/v2' }, true],
    [{ path: '/graphql/*' }, true],
    [{ path: '/graphql' }, false],
  ])('match by method and path: %j is %s', async (match, strikes) => {
    await addFault({ kind: 'status', status: 503 }, match)
    expect((await api.post({ query: LIST })).status).toBe(strikes ? 503 : 200)
  })

  test('strike as often as they say, or until they are cleared', async () => {
    const effect = { kind: 'status', status: 502, body: 'Bad Gateway' }
    await addFault(effect, {}, 2)
    const statuses = async () => (await api.post({ query: LIST })).status
    expect([await statuses(), await statuses(), await statuses()]).toEqual([502, 502, 200])
    await addFault(effect)
    expect([await statuses(), await statuses()]).toEqual([502, 502])
    await control('DELETE', '/faults')
    expect(await statuses()).toBe(200)
    expect(await faults()).toEqual([])
  })

  test('are cleared one by one, too', async () => {
    const id = await addFault({ kind: 'status', status: 500 })
    await addFault({ kind: 'status', status: 501 })
    expect((await control('DELETE', `/faults/${id}`)).status).toBe(204)
    expect((await control('DELETE', `/faults/${id}`)).status).toBe(404)
    expect((await api.post({ query: LIST })).status).toBe(501)
  })

  test.each([{ kind: 'earthquake' }, { kind: 'latency' }, { kind: 'status', status: 'high' }])(
    'of no known kind are refused: %j',
    async (effect) => {
      expect((await control('POST', '/faults', { provider: 'railway', effect })).status).toBe(400)
      expect(await faults()).toEqual([])
    },
  )
})

test('an effect that a provider does not have is refused, not ignored', async () => {
  const add = (effect: object) => control('POST', '/faults', { provider: 'railway', effect })
  expect((await add({ kind: 'webhook', how: 'lose' })).status).toBe(400)
  const elsewhere = (effect: object) => control('POST', '/faults', { provider: 'ghcr', effect })
  expect((await elsewhere({ kind: 'stale-list', ms: 1_000 })).status).toBe(400)
  expect((await elsewhere({ kind: 'instance', how: 'hang' })).status).toBe(400)
  expect((await elsewhere({ kind: 'deployment', how: 'fail' })).status).toBe(400)
})

test.each([
  ['a request, by an instance', { kind: 'hang' }, { instanceId: 'abc123def456' }],
  ['a deployment, by a path', { kind: 'deployment', how: 'fail' }, { path: '/pool/health' }],
  ['the start of an instance, by a path', { kind: 'instance', how: 'slow-boot' }, { path: '/pool/health' }],
])('a rule that could never strike is refused: %s', async (_what, effect, match) => {
  expect((await control('POST', '/faults', { provider: 'railway', match, effect })).status).toBe(400)
})

test('what only virtual instances can be made to do is refused where they are processes, and the refusal names the host that can', async () => {
  const refused = await control('POST', '/faults', { provider: 'railway', effect: { kind: 'instance', how: 'unauthorized' } })
  expect(refused.status).toBe(400)
  expect(await refused.json()).toEqual({ error: expect.stringContaining("host: 'virtual'") })
  const sleep = await control('POST', '/faults', { provider: 'railway', effect: { kind: 'deployment', how: 'sleep' } })
  expect(sleep.status).toBe(400)
  const boot = await control('POST', '/faults', { provider: 'railway', effect: { kind: 'instance', how: 'slow-boot', ms: 50 } })
  expect(boot.status).toBe(201)
})

describe('effects', () => {
  const create = () => api.createProject()
  const projects = async () => (await api.resources()).length

  test('status answers in place of the provider', async () => {
    await addFault(
      { kind: 'status', status: 504, body: { late: true }, headers: { 'retry-after': '7' } },
      { operation: 'projectCreate' },
    )
    const response = await api.post({ query: `mutation { projectCreate(input: { workspaceId: "${WORKSPACE}" }) { id } }` })
    expect(response.status).toBe(504)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await response.json()).toEqual({ late: true })
    expect(await projects()).toBe(0)
  })

  test('graphql-error is a 200 in the shape of the provider', async () => {
    await addFault({ kind: 'graphql-error', message: 'Problem processing request' })
    expect(await api.ask(LIST)).toMatchObject({
      status: 200,
      data: null,
      errors: [
        { message: 'Problem processing request', extensions: { code: 'INTERNAL_SERVER_ERROR' }, traceId: expect.any(String) },
      ],
    })
  })

  test('html-429 is what the CDN in front of a provider sends', async () => {
    await addFault({ kind: 'html-429' })
    const response = await api.post({ query: LIST })
    expect(response.status).toBe(429)
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(await response.text()).toContain('1015')
  })

  test('a storm of them goes on until it is cleared, and nothing happens meanwhile', async () => {
    await addFault({ kind: 'html-429' }, {})
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await api.post({ query: LIST })).status))
    expect(new Set(statuses)).toEqual(new Set([429]))
    await expect(create()).rejects.toThrow()
    await control('DELETE', '/faults')
    expect(await projects()).toBe(0)
    expect((await api.post({ query: LIST })).status).toBe(200)
  })

  test('latency delays the effect on simulated time', async () => {
    await addFault({ kind: 'latency', ms: 60_000 }, { operation: 'ProjectCreate' })
    const created = create()
    await hits(1)
    expect(await projects()).toBe(0)
    api.clock.advance(60_000)
    await created
    expect(await projects()).toBe(1)
  })

  test('hang holds requests back until their rule is cleared, then they go on', async () => {
    await addFault({ kind: 'hang' }, { operation: 'ProjectCreate' })
    const created = [create(), create()]
    await hits(2)
    expect(await projects()).toBe(0)
    await control('DELETE', '/faults')
    await Promise.all(created)
    expect(await projects()).toBe(2)
  })

  test('a hanging request whose caller has left never happens', async () => {
    await addFault({ kind: 'hang' }, { operation: 'ProjectCreate' })
    const leave = new AbortController()
    const query = `mutation ProjectCreate { projectCreate(input: { workspaceId: "${WORKSPACE}" }) { id } }`
    const request = api.post({ query }, 'a-token', leave.signal)
    await hits(1)
    leave.abort()
    await expect(request).rejects.toThrow()
    // Another caller's request shows that the release reached those that hung.
    const other = create()
    await hits(2)
    await control('DELETE', '/faults')
    await other
    expect(await projects()).toBe(1)
  })

  test('hang-after carries the request out and keeps the answer until its rule is cleared', async () => {
    await addFault({ kind: 'hang-after' }, { operation: 'ProjectCreate' })
    let answered = false
    const created = create().finally(() => (answered = true))
    await eventually('the answer is held', async () => (await faults())[0]?.held === 1)
    expect(await projects()).toBe(1)
    expect(answered).toBe(false)
    await control('DELETE', '/faults')
    expect((await created).id).toBe((await api.resources())[0]?.id)
  })

  test('a caller that leaves while its answer is held never gets it; what it asked for stays', async () => {
    await addFault({ kind: 'hang-after' }, { operation: 'ProjectCreate' })
    const leave = new AbortController()
    const query = `mutation ProjectCreate { projectCreate(input: { workspaceId: "${WORKSPACE}" }) { id } }`
    const request = api.post({ query }, 'a-token', leave.signal)
    await eventually('the answer is held', async () => (await faults())[0]?.held === 1)
    leave.abort()
    await expect(request).rejects.toThrow()
    await eventually('nobody waits', async () => (await faults())[0]?.held === 0)
    expect(await projects()).toBe(1)
    expect((await api.post({ query: LIST })).status).toBe(200)
  })

  test('drop-before breaks the connection and nothing happens', async () => {
    await addFault({ kind: 'drop-before' }, { operation: 'ProjectCreate' }, 1)
    await expect(create()).rejects.toThrow('fetch failed')
    expect(await projects()).toBe(0)
  })

  test('drop-after breaks the connection once it has happened', async () => {
    await addFault({ kind: 'drop-after' }, { operation: 'ProjectCreate' }, 1)
    await expect(create()).rejects.toThrow('fetch failed')
    expect(await projects()).toBe(1)
    await create()
    expect(await projects()).toBe(2)
  })
})
