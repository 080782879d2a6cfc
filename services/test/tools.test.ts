import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { startRunner } from '../src/runner.ts'
import type { Loop } from '@convos/kit'
import { healthy } from './support/fake-instances.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'
import { toyTool } from './support/toy-tool.ts'

/** Tools of instances that run: a toy, which is one file and one `register` line, and everything else is there. */
let h: Harness
let toy: ReturnType<typeof toyTool>
let runner: Loop | null

beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
  toy = toyTool()
  h.ctx.tools.register(toy.plugin)
  runner = null
})
afterEach(async () => {
  await runner?.stop()
  await h.close()
})

const call = (method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object) =>
  request(h.app)[method](path).set(h.headers).send(body)

/** An instance with an address, and what it is told. */
async function running() {
  const id = newId()
  await call('post', '/create-instance', { instanceId: id, image: IMAGE }).expect(202)
  await h.reach(id, 'deploying')
  const box = h.instances.at(h.infra.live().at(-1)?.domains[0] ?? '')
  box.health = healthy()
  box.respond = ({ path }) =>
    path === '/pool/provision'
      ? { status: 200, body: { ok: true, conversationId: 'c', inviteUrl: null, joined: false, status: 'active' } }
      : { status: 200, body: { ok: true } }
  await h.ctx.db.query(`update instance_infra set phase = 'running' where instance_id = $1`, [id])
  return { id, box }
}
const configure = (id: string) =>
  call('post', `/configure/${id}`, {
    claimId: 'claim-1',
    agentName: 'Tokyo Trip: Planner!',
    instructions: 'Be kind.',
    model: null,
    owner: null,
    templateId: null,
    allowedTools: [],
  }).expect(200)
const told = (box: Awaited<ReturnType<typeof running>>['box'], path: string) =>
  box.seen.filter((seen) => seen.path === path).map(({ body }) => body as { env: Record<string, string | null> })
const rows = async (id: string) => {
  const { rows: found } = await h.ctx.db.query<{ kind: string; state: string; generation: number; delivered: boolean }>(
    `select kind, state, generation, delivered from instance_services where instance_id = $1 and tool_id = 'doorbell'
     order by generation, position`,
    [id],
  )
  return found
}
const start = () => {
  runner = startRunner(h.ctx)
}

test('a registered tool is in the registry, with what a claimer who brings credentials must give', async () => {
  const { body } = await call('get', '/registry').expect(200)
  expect(body).toContainEqual({
    toolId: 'doorbell',
    name: 'Doorbell',
    provisioning: ['pool', 'user'],
    available: true,
    userConfig: expect.objectContaining({ required: ['pin'], properties: { pin: { type: 'string', minLength: 4 } } }) as object,
  })
})

describe('before the claim', () => {
  test('a tool is made of all its resources, tells nothing secret, and travels with the claim', async () => {
    const { id, box } = await running()
    start()
    const { body } = await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    expect(body).toEqual({ toolId: 'doorbell', resourceId: 'bell-1', config: { volume: 5 }, state: 'active', error: null })
    const [pin] = toy.pins.keys()
    expect(JSON.stringify(body)).not.toContain(pin)
    await configure(id)
    expect(told(box, '/pool/provision')[0]?.env).toEqual({ DOORBELL_ID: 'bell-1', DOORBELL_PIN: pin })
  })

  test('the same again is the same tool', async () => {
    const { id } = await running()
    start()
    const answers = await Promise.all([1, 2, 3].map(() => call('post', `/provision/${id}/doorbell`, {})))
    for (const { status, body } of answers) expect([status, body]).toMatchObject([200, { resourceId: 'bell-1' }])
    expect([toy.bells.size, toy.pins.size]).toEqual([1, 1])
  })

  test('an outright refusal is told at once, and asking again tries again', async () => {
    const { id } = await running()
    toy.mood.refuses = true
    start()
    const { body } = await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    expect(body).toMatchObject({ state: 'failed', resourceId: null, error: expect.stringContaining('no more bells') as string })
    toy.mood.refuses = false
    expect((await call('post', `/provision/${id}/doorbell`, {}).expect(200)).body).toMatchObject({ state: 'active' })
  })
})

test('a provider that is still at it is asked again, which is neither an attempt nor a failure', async () => {
  const { id } = await running()
  toy.mood.slow = true
  start()
  const answer = call('post', `/provision/${id}/doorbell`, {}).then((res) => res)
  await expect.poll(() => toy.bells.size).toBe(1)
  await expect.poll(async () => (await h.row(id)).lastError).toBe('the bell is on its way')
  for (const bell of toy.bells.values()) bell.ready = true
  await h.makeDue(id)
  expect((await answer).body).toMatchObject({ state: 'active', resourceId: 'bell-1' })
  const { body } = await call('get', `/instances/${id}`).expect(200)
  expect((body as { steps: { name: string }[] }).steps).toContainEqual(expect.objectContaining({ name: 'doorbell', attempts: 1 }))
})

describe('after the claim', () => {
  test('a tool reaches the running agent, and is taken away again with its variables', async () => {
    const { id, box } = await running()
    await configure(id)
    start()
    await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    const [pin] = toy.pins.keys()
    await expect.poll(() => told(box, '/pool/env')).toEqual([{ env: { DOORBELL_ID: 'bell-1', DOORBELL_PIN: pin } }])
    await expect.poll(async () => (await rows(id)).every(({ delivered }) => delivered)).toBe(true)

    await call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
    expect(
      Object.assign(
        {},
        ...told(box, '/pool/env')
          .slice(1)
          .map(({ env }) => env),
      ),
    ).toEqual({
      DOORBELL_ID: null,
      DOORBELL_PIN: null,
    })
    expect([toy.bells.size, toy.pins.size]).toEqual([0, 0])
    await call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
    await call('delete', `/destroy/${id}/doorbell/bell-2`).expect(404)
  })

  test('an agent that does not listen keeps no tool alive', async () => {
    const { id, box } = await running()
    await configure(id)
    start()
    await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await expect.poll(async () => (await rows(id)).every(({ delivered }) => delivered)).toBe(true)
    box.respond = () => ({ status: 500, body: {} })
    await call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
    expect(toy.bells.size).toBe(0)
  })

  test('one that comes after one that went is told apart from it', async () => {
    const { id } = await running()
    start()
    await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200)
    await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    expect([...toy.bells.values()].map(({ key }) => key)).toEqual([`${h.ctx.marker(id)}:2`])
    expect(await rows(id)).toMatchObject([
      { kind: 'bell', state: 'destroyed', generation: 1 },
      { kind: 'pin', state: 'destroyed', generation: 1 },
      { kind: 'bell', state: 'active', generation: 2 },
      { kind: 'pin', state: 'active', generation: 2 },
    ])
  })

  test('its project is called after the agent, once everything else is done', async () => {
    const { id } = await running()
    await configure(id)
    start()
    await expect.poll(() => h.infra.live()[0]?.name, { timeout: 5_000 }).toBe(`tokyo-trip-planner-${id}`)
  })

  test('a tool without its instance goes with it', async () => {
    const { id } = await running()
    start()
    await call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await call('delete', `/destroy/${id}`).expect(202)
    await expect.poll(async () => (await h.row(id)).phase).toBe('destroyed')
    expect([toy.bells.size, toy.pins.size, h.keys.size]).toEqual([0, 0, 0])
  })
})

describe("a claimer's own credentials", () => {
  test('are tried first, and refused with the fields that are wrong', async () => {
    const { id } = await running()
    for (const path of ['/validate/doorbell', `/provision/${id}/doorbell`]) {
      const refused = await call('post', path, { userConfig: { pin: '0000' } }).expect(422)
      expect(refused.body).toMatchObject({ code: 'USER_CONFIG_REJECTED', errors: [{ path: 'pin', message: 'is not yours' }] })
      await call('post', path, { userConfig: { pin: '1' } }).expect(422)
    }
    expect(await rows(id)).toEqual([])
    await call('post', '/validate/doorbell', { userConfig: { pin: '1234' } }).expect(200, { ok: true })
  })

  test('go to their agent, and nothing is made or destroyed for them', async () => {
    const { id, box } = await running()
    start()
    const { body } = await call('post', `/provision/${id}/doorbell`, { userConfig: { pin: '1234' } }).expect(200)
    expect(body).toEqual({ toolId: 'doorbell', resourceId: 'user', config: {}, state: 'user_provided', error: null })
    await configure(id)
    expect(told(box, '/pool/provision')[0]?.env).toEqual({ DOORBELL_PIN: '1234' })
    expect((await call('post', `/provision/${id}/doorbell`, {}).expect(409)).body).toMatchObject({ code: 'TOOL_EXISTS' })
    await call('delete', `/destroy/${id}/doorbell/user`).expect(200)
    expect(toy.bells.size).toBe(0)
  })

  test('are refused by a tool that takes none', async () => {
    expect((await call('post', '/validate/wallet', { userConfig: {} }).expect(409)).body).toMatchObject({
      code: 'TOOL_UNAVAILABLE',
    })
  })
})

test('a setting is changed through the tool itself, and shows', async () => {
  const { id } = await running()
  start()
  expect((await call('patch', `/provision/${id}/doorbell`, { volume: 9 }).expect(409)).body).toMatchObject({
    code: 'TOOL_NOT_ACTIVE',
  })
  await call('post', `/provision/${id}/doorbell`, {}).expect(200)
  expect((await call('patch', `/provision/${id}/doorbell`, { volume: 9 }).expect(200)).body).toMatchObject({
    config: { volume: 9 },
  })
  await call('patch', `/provision/${id}/doorbell`, { volume: 11 }).expect(400)
  expect((await call('patch', `/provision/${id}/wallet`, {}).expect(409)).body).toMatchObject({ code: 'NOT_SUPPORTED' })
})

test('usage is measured at most every five minutes, however many ask', async () => {
  const { id } = await running()
  start()
  await call('post', `/provision/${id}/doorbell`, {}).expect(200)
  for (let i = 0; i < 3; i++) {
    const { body } = await call('get', `/provision/${id}/doorbell`).expect(200)
    expect(body).toMatchObject({ usage: { sample: { rung: 1 } } })
  }
  await runner?.stop()
  await h.moveClock(301_000)
  expect((await call('get', `/provision/${id}/doorbell`)).body).toMatchObject({ usage: { sample: { rung: 2 } } })
})

test('what there is not is said so', async () => {
  const { id } = await running()
  expect((await call('post', `/provision/${id}/trumpet`, {}).expect(404)).body).toMatchObject({ code: 'TOOL_UNKNOWN' })
  expect((await call('post', `/provision/${newId()}/doorbell`, {}).expect(404)).body).toMatchObject({ code: 'INSTANCE_UNKNOWN' })
  expect((await call('delete', `/destroy/${id}/wallet/x`).expect(409)).body).toMatchObject({ code: 'TOOL_REQUIRED' })
  await call('get', `/provision/${id}/doorbell`).expect(404)
})
