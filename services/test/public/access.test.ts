import { listen } from '@convos/kit'
import request from 'supertest'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { PublicDeps } from '../../src/public/context.ts'
import { PUBLIC_PER_ADDRESS, PUBLIC_PER_INSTANCE } from '../../src/limits.ts'
import { as, createPublicHarness, type Instance, newNumber, type PublicHarness } from './support.ts'

let h: PublicHarness
let reached: string[]
let elsewhere: Partial<PublicDeps>
beforeAll(async () => {
  h = await createPublicHarness(inject('postgresUrl'))
})
afterAll(() => h.close())
beforeEach(() => {
  reached = []
  const reach = <T>(what: string, answer: T) => {
    reached.push(what)
    return Promise.resolve(answer)
  }
  const tool = { toolId: 'email', resourceId: 'a@b', config: {}, state: 'active', error: null }
  elsewhere = {
    provisionTool: () => reach('provision', tool),
    destroyTool: () => reach('destroy', { ok: true }),
    toolUsage: () => reach('usage', null),
    texts: { send: () => reach('send', { providerId: crypto.randomUUID(), state: 'queued' }) },
  }
})

/** A request that its endpoint would answer, if the caller may make it. */
function call(caller: Instance, { method, path }: { method: string; path: string }, { id }: Instance, app = h.app(elsewhere)) {
  const filled = path.replace(':instanceId', id).replace(':toolId', 'email').replace(':resourceId', 'x')
  const sent = as(app, caller)[method as 'get'](filled)
  return path.endsWith('/messages') && method === 'post' ? sent.send({ to: newNumber(), text: 'hi' }) : sent
}
const own = () => h.endpoints.filter(({ auth }) => auth === 'instance')

describe('every endpoint', () => {
  test('has a class of callers, and a guard that lets nobody else in', async () => {
    expect(h.endpoints.map(({ auth, method, path }) => `${auth} ${method} ${path}`)).toEqual([
      'open get /healthz',
      'instance post /provision/:instanceId/:toolId',
      'instance delete /destroy/:instanceId/:toolId/:resourceId',
      'instance get /tools/:instanceId',
      'instance get /credits/:instanceId',
      'instance post /tools/:instanceId/sms/messages',
      'instance get /tools/:instanceId/sms/messages',
      'signed post /webhooks/telnyx',
    ])
    const instance = await h.addInstance()
    const app = h.app({ ...elsewhere, settings: { ...h.deps.settings, telnyxPublicKey: Buffer.alloc(32, 1).toString('base64') } })
    for (const endpoint of h.endpoints.filter(({ auth }) => auth !== 'open')) {
      const path = endpoint.path.replace(':instanceId', instance.id)
      for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${instance.token}`, `Bearer ${instance.token}x`]) {
        const { status } = await request(app)[endpoint.method](path).set('authorization', authorization)
        expect([endpoint.operationId, authorization.slice(0, 12), status]).toEqual([
          endpoint.operationId,
          authorization.slice(0, 12),
          401,
        ])
      }
    }
    expect(reached).toEqual([])
    await request(app).get('/healthz').expect(200, { ok: true, deployment: 'f' })
  })

  test('answers an instance about itself, and nothing about another', async () => {
    const [mine, others] = [await h.addInstance(), await h.addInstance()]
    for (const instance of [mine, others]) await h.addNumber(instance)
    for (const endpoint of own()) {
      const { status, body } = await call(mine, endpoint, others)
      expect([endpoint.operationId, status, body.code]).toEqual([endpoint.operationId, 403, 'NOT_YOURS'])
    }
    expect(reached).toEqual([])
    expect(await h.rows('select from sms_messages where instance_id = any ($1)', [[mine.id, others.id]])).toEqual([])
    for (const endpoint of own()) expect((await call(mine, endpoint, mine)).ok, endpoint.operationId).toBe(true)
    expect(reached.toSorted()).toEqual(['destroy', 'provision', 'send', 'usage'])
  })

  test.each([
    ['that nobody has claimed', { claimed: false }],
    ['that is to be no more', { wish: 'absent' }],
  ] as const)('refuses an instance %s', async (_name, state) => {
    const instance = await h.addInstance(state)
    await h.addNumber(instance)
    for (const endpoint of own()) {
      const { status, body } = await call(instance, endpoint, instance)
      expect([endpoint.operationId, status, body.code]).toEqual([endpoint.operationId, 403, 'NOT_CLAIMED'])
    }
    expect(reached).toEqual([])
  })
})

test.each([
  ['post', '/create-instance'],
  ['delete', '/destroy/abcdefghijkl'],
  ['post', '/status/batch'],
  ['get', '/instances/abcdefghijkl/gateway'],
  ['post', '/configure/abcdefghijkl'],
  ['post', '/reconcile'],
  ['get', '/registry'],
  ['get', '/providers'],
  ['get', '/metrics'],
  ['get', '/readyz'],
] as const)('the internal API is not here: %s %s', async (method, path) => {
  const caller = as(h.app(), await h.addInstance())
  const { body } = await caller[method](path).expect(404)
  expect(body).toMatchObject({ code: 'NOT_FOUND' })
})

describe('a refusal', () => {
  test('is an event of the instance whose token it was, once a minute', async () => {
    const [mine, others] = [await h.addInstance({ allowedTools: ['email'] }), await h.addInstance()]
    const [app, replica] = [h.app(elsewhere), h.app(elsewhere)]
    for (const each of [app, replica, app, replica]) await as(each, mine).post(`/provision/${mine.id}/sms`).expect(403)
    await as(app, mine).get(`/tools/${others.id}/sms/messages`).expect(403)
    await as(app, mine).get(`/tools/${mine.id}/sms/messages?limit=1000`).expect(400)
    expect(await h.events(mine)).toEqual([
      { type: 'refused', detail: { code: 'TOOL_NOT_ALLOWED', tool: 'sms', operation: 'provisionOwnTool' } },
      { type: 'refused', detail: { code: 'NOT_YOURS', tool: 'sms', operation: 'listSms' } },
      { type: 'refused', detail: { code: 'INVALID_REQUEST', tool: 'sms', operation: 'listSms' } },
    ])
    expect(await h.events(others)).toEqual([])
    await h.rows(`update instance_events set at = at - interval '1 minute' where instance_id = $1`, [mine.id])
    h.moveClock(60_000)
    for (const each of [app, replica]) await as(each, mine).post(`/provision/${mine.id}/of-my-own-making`).expect(403)
    expect((await h.events(mine)).slice(3).map(({ detail }) => [detail.code, detail.tool])).toEqual([['TOOL_NOT_ALLOWED', null]])
  })

  test('is noted once by replicas that are refusing at the same moment', async () => {
    const [instance, other] = [await h.addInstance(), await h.addInstance()]
    const tx = await h.db.connect()
    await tx.query('begin')
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`refused/${instance.id}/NOT_YOURS`])
    const refused = [1, 2, 3].map(async () => void (await as(h.app(), instance).get(`/tools/${other.id}`).expect(403)))
    await h.waitForLock('pg_advisory_xact_lock', 3)
    await tx.query('commit')
    tx.release()
    await Promise.all(refused)
    expect(await h.events(instance)).toHaveLength(1)
  })

  test('stays what it is when it cannot be noted', async () => {
    const instance = await h.addInstance({ allowedTools: null })
    const tx = await h.db.connect()
    await tx.query('begin; lock instance_events; set local statement_timeout = 0')
    const refused = as(h.app(), instance)
      .post(`/provision/${instance.id}/email`)
      .then((res) => res)
    await h.waitForLock('insert into instance_events', 1)
    await h.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and strpos(query, 'instance_events') > 0`,
    )
    expect((await refused).body).toMatchObject({ status: 403, code: 'TOOL_NOT_ALLOWED' })
    await tx.query('rollback')
    tx.release()
  })
})

describe('who asks too often', () => {
  test('is told when to come back; another instance is not held up', async () => {
    const [busy, calm] = [await h.addInstance(), await h.addInstance()]
    const app = h.app(elsewhere)
    const ask = (instance: Instance) => as(app, instance).get(`/credits/${instance.id}`)
    for (let i = 0; i < PUBLIC_PER_INSTANCE; i++) await ask(busy).expect(200)
    const { body, headers } = await ask(busy).expect(429)
    expect(body).toMatchObject({ code: 'RATE_LIMITED' })
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    await ask(calm).expect(200)
    expect((await h.events(busy)).map(({ detail }) => detail.code)).toEqual(['RATE_LIMITED'])
    h.moveClock(60_001)
    await ask(busy).expect(200)
  })

  test('is not even looked up, whatever token it tries', async () => {
    const instance = await h.addInstance()
    const listening = await listen(h.app(), 0, '127.0.0.1')
    const ask = async (authorization: string) => {
      const res = await fetch(`http://127.0.0.1:${listening.port}/credits/${instance.id}`, { headers: { authorization } })
      await res.body?.cancel()
      return res.status
    }
    const genuine = `Bearer ${instance.token}`
    for (let i = 0; i < PUBLIC_PER_ADDRESS; i++) await ask(i % 100 === 0 ? `Bearer guess ${i}` : 'no token')
    expect(await ask(genuine)).toBe(429)
    h.moveClock(60_001)
    expect(await ask(genuine)).toBe(200)
    await listening.close(0)
  })
})

test('no token is said, in no answer and no log line', async () => {
  const [mine, others] = [await h.addInstance(), await h.addInstance({ claimed: false })]
  h.logged.length = 0
  const app = h.app({ ...elsewhere, destroyTool: () => Promise.reject(new Error('a bug')) })
  const answers = []
  for (const endpoint of own())
    for (const caller of [mine, others])
      for (const about of [mine, others]) answers.push(await call(caller, endpoint, about, app))
  answers.push(
    await as(app, { token: `${mine.token}0` })
      .get(`/tools/${mine.id}?token=${mine.token}`)
      .expect(401),
  )
  const said = [...h.logged, ...answers.map(({ text, headers }) => text + JSON.stringify(headers))].join('\n')
  expect(h.logged.length).toBeGreaterThan(answers.length)
  expect(said).toContain('a bug')
  for (const { token } of [mine, others]) expect(said).not.toContain(token)
})
