import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import type { z } from 'zod'
import { InstancesReply } from '../src/contract/index.ts'
import { probeDue } from '../src/probe.ts'
import { type Answer, type FakeInstance, healthy } from './support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await createHarness(inject('postgresUrl'), { METRICS_TOKEN: 'a-token-for-the-scraper' })
})
afterAll(() => h.close())

const GUARDED = [
  ['post', '/create-instance'],
  ['delete', '/destroy/abcdefghijkl'],
  ['post', '/status/batch'],
  ['get', '/changes'],
  ['get', '/instances/abcdefghijkl'],
  ['get', '/instances/abcdefghijkl/gateway'],
  ['post', '/configure/abcdefghijkl'],
  ['patch', '/configure/abcdefghijkl'],
  ['post', '/cancel/abcdefghijkl'],
  ['get', '/registry'],
  ['get', '/image'],
  ['post', '/image/resolve'],
] as const

describe.each(GUARDED)('%s %s', (method, path) => {
  const call = (headers: Record<string, string>) => request(h.app)[method](path).set(headers)
  test('wants the key', async () => {
    expect((await call({ 'x-environment': 'dev' }).expect(401)).body).toMatchObject({ code: 'UNAUTHORIZED' })
    await call({ ...h.headers, authorization: 'Bearer wrong' }).expect(401)
  })
  test('wants its caller to be of the same environment', async () => {
    const { body } = await call({ ...h.headers, 'x-environment': 'production' }).expect(409)
    expect(body).toMatchObject({ code: 'ENVIRONMENT_MISMATCH' })
    await call({ authorization: h.headers.authorization }).expect(409)
  })
})

test('health and readiness are open, metrics want their own token', async () => {
  await request(h.app).get('/healthz').expect(200, { ok: true })
  await request(h.app).get('/readyz').expect(200, { ok: true })
  await request(h.app).get('/metrics').expect(401)
  await request(h.app).get('/metrics').set('authorization', h.headers.authorization).expect(401)
  const { text } = await request(h.app).get('/metrics').set('authorization', 'Bearer a-token-for-the-scraper').expect(200)
  expect(text).toContain('provider_requests_total')
})

test('says which build it is, and on which schema', async () => {
  const { body } = await request(h.app).get('/version').set(h.headers).expect(200)
  expect(body).toMatchObject({
    version: expect.any(String),
    commit: 'unknown',
    schema: expect.stringMatching(/^\d{4}_\w+\.sql$/),
  })
})

test('an unknown path is a 404 in JSON', async () => {
  const { body, headers } = await request(h.app).get('/nothing').set(h.headers).expect(404)
  expect(headers['content-type']).toContain('application/problem+json')
  expect(body).toMatchObject({ code: 'NOT_FOUND', requestId: headers['x-request-id'] })
})

test('a malformed id is refused before anything is written', async () => {
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: '../etc', image: IMAGE }).expect(400)
  await request(h.app).delete('/destroy/UPPERCASE123').set(h.headers).expect(400)
  await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: newId(), image: 'ghcr.io/a/b:tag' }).expect(400)
  const { rows } = await h.ctx.db.query<{ count: number }>('select count(*)::int as count from instance_infra')
  expect(rows[0]?.count).toBe(0)
})

test('the registry tells what tools there are', async () => {
  const { body } = await request(h.app).get('/registry').set(h.headers).expect(200)
  expect(body).toEqual([
    { toolId: 'openrouter', name: 'Keys', provisioning: ['always'], available: true, userConfig: null },
    { toolId: 'wallet', name: 'Wallet', provisioning: ['always'], available: true, userConfig: null },
  ])
})

describe('a claim', () => {
  const claim = {
    claimId: 'c1',
    agentName: 'A',
    instructions: 'I',
    model: null,
    owner: null,
    templateId: null,
    allowedTools: ['email'],
  }
  let id: string
  let box: FakeInstance
  beforeAll(async () => {
    id = newId()
    await request(h.app).post('/create-instance').set(h.headers).send({ instanceId: id, image: IMAGE }).expect(202)
    const early = await request(h.app).post(`/configure/${id}`).set(h.headers).send(claim).expect(409)
    expect(early.body).toMatchObject({ code: 'INSTANCE_NOT_RUNNING' })
    box = h.instances.at(new URL((await h.reach(id, 'deploying')).url ?? '').host)
    box.health = healthy()
    await probeDue(h.ctx, [id], new AbortController().signal)
  })
  const configure = (over: object = {}) =>
    request(h.app)
      .post(`/configure/${id}`)
      .set(h.headers)
      .send({ ...claim, ...over })

  const done = { ok: true, conversationId: 'c', inviteUrl: 'i', joined: false, status: 'active' }
  test('is one call with the control token, and is answered with how to reach the gateway', async () => {
    box.respond = () => ({ status: 200, body: done })
    const { body } = await configure().expect(200)
    const env = h.infra.live()[0]?.deployments[0]?.desired.env ?? {}
    expect(body).toEqual({ ...done, gatewayUrl: (await h.row(id)).url, gatewayToken: env['OPENCLAW_GATEWAY_TOKEN'] })
    expect(box.seen.at(-1)).toEqual({
      method: 'POST',
      path: '/pool/provision',
      authorization: `Bearer ${env['INSTANCE_CONTROL_TOKEN']}`,
      body: { claimId: 'c1', agentName: 'A', instructions: 'I', model: null, joinUrl: null, env: {} },
    })
  })

  test.each<[string, Answer, number, string, string]>([
    ['bound to another claim', { status: 409, body: { code: 'FOREIGN_CLAIM' } }, 409, 'FOREIGN_CLAIM', 'instance'],
    [
      'the invite is refused',
      { status: 422, body: { code: 'INVITE_REFUSED', detail: 'expired' } },
      422,
      'CLAIM_REJECTED',
      'claim',
    ],
    ['the join is refused', { status: 409, body: { code: 'REFUSED', detail: 'no' } }, 422, 'CLAIM_REJECTED', 'claim'],
    ['the request is wrong', { status: 400, body: { code: 'INVALID_REQUEST' } }, 422, 'CLAIM_REJECTED', 'claim'],
    ['it is too large', { status: 413, body: { code: 'BODY_TOO_LARGE' } }, 422, 'CLAIM_REJECTED', 'claim'],
    ['it takes too long', { status: 504, body: { code: 'PROVISION_TIMEOUT' } }, 504, 'INSTANCE_TIMEOUT', 'instance'],
    ['it has no claim', { status: 409, body: { code: 'NOT_BOUND' } }, 409, 'NOT_BOUND', 'instance'],
    ['its conversation has ended', { status: 409, body: { code: 'ENDED' } }, 409, 'ENDED', 'instance'],
    ['the instance breaks', { status: 500, body: '<html>' }, 502, 'INSTANCE_FAILED', 'instance'],
    ['the token is not accepted', { status: 401, body: {} }, 502, 'INSTANCE_FAILED', 'instance'],
    [
      'the answer is endless',
      { status: 200, body: { ...done, inviteUrl: 'x'.repeat(70_000) } },
      502,
      'INSTANCE_FAILED',
      'instance',
    ],
    ['the answer makes no sense', { status: 200, body: { ok: true } }, 502, 'INSTANCE_FAILED', 'instance'],
  ])('when %s, says whose fault it is', async (_what, answer, status, code, fault) => {
    box.respond = () => answer
    const { body } = await configure().expect(status)
    expect(body).toMatchObject({ code, fault })
  })

  test.each([
    ['what nobody can keep', { conversationId: 'c\0' }],
    ['far too much', { inviteUrl: 'i'.repeat(5_000) }],
  ])('answered with %s is a failure of the instance', async (_what, over) => {
    box.respond = () => ({ status: 200, body: { ...done, ...over } })
    expect((await configure().expect(502)).body).toMatchObject({ code: 'INSTANCE_FAILED', fault: 'instance' })
  })

  test('of an instance that is written down as another claim’s does not reach it', async () => {
    box.respond = () => ({ status: 200, body: done })
    await configure().expect(200)
    const before = box.seen.length
    const refused = await configure({ claimId: 'another' }).expect(409)
    expect(refused.body).toMatchObject({ code: 'FOREIGN_CLAIM', fault: 'instance' })
    expect(box.seen.length).toBe(before)
  })

  test('has its instance probed again at once', async () => {
    box.respond = () => ({ status: 500, body: {} })
    await configure().expect(502)
    box.health = healthy({ binding: 'working', claimId: 'c1' })
    await probeDue(h.ctx, [id], new AbortController().signal)
    expect((await h.row(id)).health).toMatchObject({ binding: 'working', claimId: 'c1' })
  })

  test('can be changed, each change above the last, and withdrawn', async () => {
    box.respond = () => ({ status: 200, body: { ok: true } })
    for (const agentName of ['B', 'C'])
      await request(h.app).patch(`/configure/${id}`).set(h.headers).send({ agentName }).expect(200)
    expect(box.seen.slice(-2).map(({ body }) => body)).toEqual([
      { agentName: 'B', revision: 1 },
      { agentName: 'C', revision: 2 },
    ])
    box.respond = () => ({ status: 200, body: { joined: true } })
    const { body } = await request(h.app).post(`/cancel/${id}`).set(h.headers).send({ claimId: 'c1' }).expect(200)
    expect(body).toEqual({ joined: true })
  })

  test('of an instance never heard of is a 404', async () => {
    const { body } = await request(h.app).post(`/configure/${newId()}`).set(h.headers).send(claim).expect(404)
    expect(body).toMatchObject({ code: 'INSTANCE_UNKNOWN' })
  })
})

test('all that is wished for is listed, page by page, with its name and claim; nothing that is going or gone', async () => {
  const ids = [newId(), newId(), newId(), newId()].toSorted()
  for (const id of ids)
    await h.ctx.db.query({
      text: `insert into instance_infra (instance_id, project_name, image, claim_id) values ($1, $1 || '-warm', 'i@sha256:0', 'c-' || $1)`,
      values: [id],
    })
  const [first = '', second = '', going = '', gone = ''] = ids
  await h.ctx.db.query({
    text: `update instance_infra set wanted_name = 'tokyo-' || $1 where instance_id = $1`,
    values: [second],
  })
  await h.ctx.db.query({ text: `update instance_infra set wish = 'absent' where instance_id = $1`, values: [going] })
  await h.ctx.db.query({
    text: `update instance_infra set wish = 'absent', phase = 'destroyed' where instance_id = $1`,
    values: [gone],
  })
  const page = async (query: string) => InstancesReply.parse((await request(h.app).get(`/instances${query}`).set(h.headers)).body)
  const all = (await page('')).instances.filter(({ instanceId }) => ids.includes(instanceId))
  expect(all).toEqual([
    { instanceId: first, name: `${first}-warm`, claimId: `c-${first}`, createdAt: expect.any(String) },
    { instanceId: second, name: `tokyo-${second}`, claimId: `c-${second}`, createdAt: expect.any(String) },
  ])
  const walked: string[] = []
  for (let next: string | null = null; ;) {
    const { instances, next: more }: z.output<typeof InstancesReply> = await page(
      `?limit=1${next === null ? '' : `&after=${next}`}`,
    )
    walked.push(...instances.map(({ instanceId }) => instanceId))
    if (more === null) break
    next = more
  }
  expect(walked.filter((id) => ids.includes(id))).toEqual([first, second])
})
