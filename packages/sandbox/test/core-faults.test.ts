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
const Faults = z.array(z.object({ id: z.string(), hits: z.int() }).loose())
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
  expect((await add({ kind: 'stale-list', ms: 1_000 })).status).toBe(400)
  expect((await add({ kind: 'webhook', how: 'lose' })).status).toBe(400)
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
    const body = JSON.stringify({
      query: `mutation ProjectCreate { projectCreate(input: { workspaceId: "${WORKSPACE}" }) { id } }`,
    })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer t' }
    const request = fetch(`${api.url}/railway/graphql/v2`, { method: 'POST', headers, body, signal: leave.signal })
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
