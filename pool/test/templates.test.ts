import { apiApp, createLogger, HttpError, listen, mountEndpoints } from '@convos/kit'
import { scoped } from '@convos/sandbox/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createGuards } from '../src/auth.ts'
import type { OfferedTool } from '../src/contract/template.ts'
import { templateRoutes } from '../src/routes/templates.ts'
import { faultsOfTools } from '../src/templates.ts'
import { type Answer, testPool, type TestPool } from './harness.ts'

const PLANNER = { agentName: 'planner', instructions: 'Plan trips.', tools: [{ id: 'email', provisioning: 'pool' }] }

type Call = (method: string, path: string, body?: unknown) => Promise<Answer>
interface World extends AsyncDisposable {
  pool: TestPool
  nobody: Call
  operator: Call
  alice: Call
  bob: Call
}

/** A pool with its operator and two claimers, and the routes of templates. */
async function world(): Promise<World> {
  const pool = await testPool()
  const routes = [mountEndpoints(templateRoutes(pool.ctx), createGuards(pool.ctx))]
  const { port, close } = await listen(apiApp({ log: createLogger('test', 'silent'), routes }), 0, '127.0.0.1')
  const as =
    (key: string | null): Call =>
    async (method, path, body) => {
      const headers = {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const res = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...sent })
      const text = await res.text()
      return { status: res.status, headers: res.headers, text, body: JSON.parse(text) as Answer['body'] }
    }
  const claimer = async (name: string) => {
    const { body } = await pool.call('POST', '/api/keys', { body: { name, role: 'claimer' } })
    return as(String(body['key']))
  }
  return {
    pool,
    nobody: as(null),
    operator: as(pool.key),
    alice: await claimer('alice'),
    bob: await claimer('bob'),
    async [Symbol.asyncDispose]() {
      await close(0)
      await pool[Symbol.asyncDispose]()
    },
  }
}

const make = async (call: Call, change: Record<string, unknown> = {}): Promise<string> => {
  const answer = await call('POST', '/api/templates', { ...PLANNER, ...change })
  expect(answer).toMatchObject({ status: 201 })
  expect(answer.headers.get('location')).toBe(`/api/templates/${String(answer.body['id'])}`)
  return `/api/templates/${String(answer.body['id'])}`
}
const listed = async (call: Call) =>
  ((await call('GET', '/api/templates')).body['templates'] as { agentName: string }[]).map((t) => t.agentName).toSorted()
const offered = (call: Call) => call('GET', '/api/tools')

afterEach(() => void vi.restoreAllMocks())

describe('who sees and changes a template', () => {
  test('it is private unless said otherwise, and then only its creator’s and the operators’', async () => {
    const { alice, bob, nobody, operator } = scoped(await world())
    const path = await make(alice)
    expect((await alice('GET', path)).body).toMatchObject({
      ...PLANNER,
      creatorId: expect.stringMatching(/^key:/),
      model: { default: null, allow_override: true },
      visibility: 'private',
      version: 1,
    })
    expect((await operator('GET', path)).status).toBe(200)
    for (const call of [bob, nobody])
      for (const at of [path, `${path}/versions`])
        expect(await call('GET', at)).toMatchObject({ status: 404, body: { code: 'TEMPLATE_NOT_FOUND' } })
    expect((await bob('PUT', path, PLANNER)).status).toBe(404)
    expect((await bob('DELETE', path)).status).toBe(404)
    expect((await nobody('PUT', path, PLANNER)).status).toBe(401)
  })

  test('a public one is everybody’s to see, and still its creator’s and the operators’ to change', async () => {
    const { alice, bob, nobody, operator } = scoped(await world())
    const path = await make(alice, { visibility: 'public' })
    expect((await nobody('GET', path)).status).toBe(200)
    expect(await bob('PUT', path, PLANNER)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect((await bob('DELETE', path)).status).toBe(403)
    const answer = await operator('PUT', path, { ...PLANNER, visibility: 'public' })
    expect(answer.body).toMatchObject({ version: 2, creatorId: expect.not.stringMatching('key:pool') })
  })

  test('the list shows each what it may see', async () => {
    const { alice, bob, nobody, operator } = scoped(await world())
    await make(alice, { agentName: 'of alice' })
    await make(bob, { agentName: 'of bob' })
    await make(alice, { agentName: 'for all', visibility: 'public' })
    expect(await listed(nobody)).toEqual(['for all'])
    expect(await listed(alice)).toEqual(['for all', 'of alice'])
    expect(await listed(operator)).toEqual(['for all', 'of alice', 'of bob'])
  })

  test('what was private stays private when a later version is public', async () => {
    const { alice, bob } = scoped(await world())
    const path = await make(alice, { instructions: 'not for others' })
    await alice('PUT', path, { ...PLANNER, visibility: 'public' })
    const versions = async (call: Call) =>
      ((await call('GET', `${path}/versions`)).body['versions'] as { version: number }[]).map((v) => v.version)
    expect(await versions(alice)).toEqual([2, 1])
    expect(await versions(bob)).toEqual([2])
    expect((await bob('GET', `${path}/versions`)).text).not.toContain('not for others')
  })
})

describe('changing a template', () => {
  test('makes its next version, and says so to who comes with an older one', async () => {
    const { alice } = scoped(await world())
    const path = await make(alice)
    expect((await alice('PUT', path, { ...PLANNER, agentName: 'second', version: 1 })).body).toMatchObject({ version: 2 })
    expect(await alice('PUT', path, { ...PLANNER, agentName: 'late', version: 1 })).toMatchObject({
      status: 409,
      body: { code: 'VERSION_CONFLICT', version: 2 },
    })
    expect((await alice('GET', path)).body).toMatchObject({ agentName: 'second' })
    expect((await alice('PUT', path, PLANNER)).body).toMatchObject({ version: 3 })
  })

  test('ten at once from the same version: one gets through', async () => {
    const { alice } = scoped(await world())
    const path = await make(alice)
    const puts = Array.from({ length: 10 }, (_, n) => alice('PUT', path, { ...PLANNER, agentName: `a${n}`, version: 1 }))
    const statuses = (await Promise.all(puts)).map((answer) => answer.status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 9 }, () => 409)])
    expect((await alice('GET', `${path}/versions`)).body['versions']).toHaveLength(2)
  })

  test('and deleting it is soft, twice is fine, and nobody finds it after', async () => {
    const { alice, operator, pool } = scoped(await world())
    const path = await make(alice)
    for (let i = 0; i < 2; i++) expect(await alice('DELETE', path)).toMatchObject({ status: 200, body: { ok: true } })
    expect((await operator('GET', path)).status).toBe(404)
    expect((await alice('PUT', path, PLANNER)).status).toBe(404)
    expect(await listed(operator)).toEqual([])
    expect((await pool.db.query('select 1 from template_versions')).rowCount).toBe(1)
  })
})

describe('what a template may say', () => {
  test.each([
    ['an unknown field', { nonsense: 1 }, 'nonsense'],
    ['a control character in the name', { agentName: 'a\u0007b' }, 'agentName'],
    ['too long instructions', { instructions: 'x'.repeat(64 * 1024 + 1) }, 'instructions'],
    ['a tool twice', { tools: [...PLANNER.tools, ...PLANNER.tools] }, 'tools'],
    ['a mode there is not', { tools: [{ id: 'email', provisioning: 'always' }] }, 'tools.0.provisioning'],
    ['an unknown field of the model', { model: { default: 'm', cheap: true } }, 'model.cheap'],
  ])('%s is refused', async (_what, change, path) => {
    const { alice } = scoped(await world())
    const answer = await alice('POST', '/api/templates', { ...PLANNER, ...change })
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ path }] } })
  })

  test('and its tools are held against what services offers', async () => {
    const { alice } = scoped(await world())
    const tools = [
      { id: 'trumpet', provisioning: 'pool' },
      { id: 'email', provisioning: 'user' },
      { id: 'crypto', provisioning: 'pool' },
      { id: 'sms', provisioning: 'user' },
    ]
    expect(await alice('POST', '/api/templates', { ...PLANNER, tools })).toMatchObject({
      status: 422,
      body: {
        code: 'TOOLS_NOT_OFFERED',
        errors: [{ path: 'tools.0.id' }, { path: 'tools.1.provisioning' }, { path: 'tools.2.id' }],
      },
    })
  })

  test('an unavailable tool can be brought, but not made', () => {
    const sms: OfferedTool = { toolId: 'sms', name: 'SMS', provisioning: ['pool', 'user'], available: false, userConfig: {} }
    expect(faultsOfTools([{ id: 'sms', provisioning: 'pool' }], [sms])).toHaveLength(1)
    expect(faultsOfTools([{ id: 'sms', provisioning: 'user' }], [sms])).toEqual([])
  })
})

describe('the tools', () => {
  test('are asked for once in a while, however many look, and stay known while services cannot be asked', async () => {
    const { nobody, pool } = scoped(await world())
    const answers = await Promise.all(Array.from({ length: 20 }, () => offered(nobody)))
    expect(answers[0]?.body['tools']).toContainEqual(expect.objectContaining({ toolId: 'email', available: true }))
    expect(pool.services.called(/registry/)).toHaveLength(1)
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 31_000)
    pool.services.registryIs = 'down'
    expect((await offered(nobody)).body).toEqual(answers[0]?.body)
    expect(pool.services.called(/registry/)).toHaveLength(2)
  })

  test('are not known before services could be asked once', async () => {
    const { alice, nobody, pool } = scoped(await world())
    pool.services.registryIs = 'down'
    expect(await offered(nobody)).toMatchObject({ status: 503, body: { code: 'SERVICES_UNAVAILABLE' } })
    expect(await alice('POST', '/api/templates', PLANNER)).toMatchObject({ status: 503, body: { code: 'SERVICES_UNAVAILABLE' } })
    await expect(pool.ctx.services.tools()).rejects.toMatchObject({ status: 503, cause: expect.any(HttpError) })
  })
})
