import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { ProviderError } from '../src/infra/errors.ts'
import { createToyWorld, ORDER, type ToyWorld } from './support/toy-world.ts'
import { newId } from './support/harness.ts'

/** Tools of instances that run: a toy, which is one file and one `register` line, and everything else is there. */
let w: ToyWorld

beforeEach(async () => {
  w = await createToyWorld(inject('postgresUrl'))
})
afterEach(() => w.close())

test('a registered tool is in the registry, with what a claimer who brings credentials must give', async () => {
  const { body } = await w.call('get', '/registry').expect(200)
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
    const { id, box } = await w.running()
    w.start()
    const { body } = await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    expect(body).toEqual({ toolId: 'doorbell', resourceId: 'bell-1', config: { volume: 5 }, state: 'active', error: null })
    const [pin] = w.toy.pins.keys()
    expect(JSON.stringify(body)).not.toContain(pin)
    await w.configure(id)
    expect(w.told(box, '/pool/provision')[0]?.env).toEqual({ DOORBELL_ID: 'bell-1', DOORBELL_PIN: pin })
  })

  test('the same again is the same tool', async () => {
    const { id } = await w.running()
    w.start()
    const answers = await Promise.all([1, 2, 3].map(() => w.call('post', `/provision/${id}/doorbell`, {})))
    for (const { status, body } of answers) expect([status, body]).toMatchObject([200, { resourceId: 'bell-1' }])
    expect([w.toy.bells.size, w.toy.pins.size]).toEqual([1, 1])
  })

  test('an outright refusal is told at once, and asking again tries again', async () => {
    const { id } = await w.running()
    w.toy.mood.refuses = true
    w.start()
    const { body } = await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    expect(body).toMatchObject({ state: 'failed', resourceId: null, error: expect.stringContaining('no more bells') as string })
    w.toy.mood.refuses = false
    expect((await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)).body).toMatchObject({ state: 'active' })
  })

  test('what was refused, and so never got an id, can be taken away all the same, and at once', async () => {
    const { id } = await w.running()
    w.toy.mood.refuses = true
    w.start()
    await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await w.call('delete', `/destroy/${id}/doorbell/_`).expect(200, { ok: true })
    await w.call('delete', `/destroy/${id}/doorbell/_`).expect(200, { ok: true })
    w.toy.mood.refuses = false
    expect((await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)).body).toMatchObject({ state: 'active' })
    await w.call('delete', `/destroy/${newId()}/doorbell/_`).expect(404)
  })
})

test('a provider that is still at it is asked again, which is neither an attempt nor a failure', async () => {
  const { id } = await w.running()
  w.toy.mood.slow = true
  w.start()
  const answer = w.call('post', `/provision/${id}/doorbell`, {}).then((res) => res)
  await expect.poll(() => w.toy.bells.size).toBe(1)
  await expect.poll(async () => (await w.h.row(id)).lastError).toBe('the bell is on its way')
  for (const bell of w.toy.bells.values()) bell.ready = true
  await w.h.makeDue(id)
  expect((await answer).body).toMatchObject({ state: 'active', resourceId: 'bell-1' })
  const { body } = await w.call('get', `/instances/${id}`).expect(200)
  expect((body as { steps: { name: string }[] }).steps).toContainEqual(expect.objectContaining({ name: 'doorbell', attempts: 1 }))
})

describe('after the claim', () => {
  test('a tool reaches the running agent, and is taken away again with its variables', async () => {
    const { id, box } = await w.running()
    await w.configure(id)
    w.start()
    await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    const [pin] = w.toy.pins.keys()
    await expect.poll(() => w.told(box, '/pool/env')).toEqual([{ env: { DOORBELL_ID: 'bell-1', DOORBELL_PIN: pin } }])
    await expect.poll(async () => (await w.rows(id)).every(({ delivered }) => delivered)).toBe(true)

    await w.call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
    expect(
      Object.assign(
        {},
        ...w
          .told(box, '/pool/env')
          .slice(1)
          .map(({ env }) => env),
      ),
    ).toEqual({
      DOORBELL_ID: null,
      DOORBELL_PIN: null,
    })
    expect([w.toy.bells.size, w.toy.pins.size]).toEqual([0, 0])
    await w.call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
    await w.call('delete', `/destroy/${id}/doorbell/bell-2`).expect(404)
  })

  test('another claim neither gives it tools nor takes any from it: only a pool with an older database would', async () => {
    const { id } = await w.running()
    w.start()
    await w.call('post', `/provision/${id}/doorbell`, { claimId: ORDER.claimId }).expect(200)
    await w.configure(id)
    const refused = { code: 'FOREIGN_CLAIM', fault: 'instance' }
    const given = await w.call('post', `/provision/${id}/doorbell`, { claimId: 'another' }).expect(409)
    expect(given.body).toMatchObject(refused)
    const users = { claimId: 'another', userConfig: { pin: '1234' } }
    expect((await w.call('post', `/provision/${id}/doorbell`, users).expect(409)).body).toMatchObject(refused)
    expect((await w.call('delete', `/destroy/${id}/doorbell/_?claimId=another`).expect(409)).body).toMatchObject(refused)
    expect((await w.rows(id)).map(({ state }) => state)).toEqual(['active', 'active'])
    expect([w.toy.bells.size, w.toy.pins.size]).toEqual([1, 1])
    await w.call('delete', `/destroy/${id}/doorbell/_?claimId=${ORDER.claimId}`).expect(200, { ok: true })
  })

  test('an agent that does not listen keeps no tool alive', async () => {
    const { id, box } = await w.running()
    await w.configure(id)
    w.start()
    await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await expect.poll(async () => (await w.rows(id)).every(({ delivered }) => delivered)).toBe(true)
    box.respond = () => ({ status: 500, body: {} })
    await w.call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200, { ok: true })
    expect(w.toy.bells.size).toBe(0)
  })

  test('one that comes after one that went is told apart from it', async () => {
    const { id } = await w.running()
    w.start()
    await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await w.call('delete', `/destroy/${id}/doorbell/bell-1`).expect(200)
    await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    expect([...w.toy.bells.values()].map(({ key }) => key)).toEqual([`${w.h.ctx.marker(id)}:2`])
    expect(await w.rows(id)).toMatchObject([
      { kind: 'bell', state: 'destroyed', generation: 1 },
      { kind: 'pin', state: 'destroyed', generation: 1 },
      { kind: 'bell', state: 'active', generation: 2 },
      { kind: 'pin', state: 'active', generation: 2 },
    ])
  })

  test('its project is called after the agent, once everything else is done', async () => {
    const { id } = await w.running()
    await w.configure(id)
    w.start()
    await expect.poll(() => w.h.infra.live()[0]?.name, { timeout: 5_000 }).toBe(`tokyo-trip-planner-${id}`)
  })

  test('a tool without its instance goes with it', async () => {
    const { id } = await w.running()
    w.start()
    await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
    await w.call('delete', `/destroy/${id}`).expect(202)
    await expect.poll(async () => (await w.h.row(id)).phase).toBe('destroyed')
    expect([w.toy.bells.size, w.toy.pins.size, w.h.keys.size]).toEqual([0, 0, 0])
  })
})

describe("a claimer's own credentials", () => {
  test('are tried first, and refused with the fields that are wrong', async () => {
    const { id } = await w.running()
    for (const path of ['/validate/doorbell', `/provision/${id}/doorbell`]) {
      const refused = await w.call('post', path, { userConfig: { pin: '0000' } }).expect(422)
      expect(refused.body).toMatchObject({ code: 'USER_CONFIG_REJECTED', errors: [{ path: 'pin', message: 'is not yours' }] })
      await w.call('post', path, { userConfig: { pin: '1' } }).expect(422)
    }
    expect(await w.rows(id)).toEqual([])
    await w.call('post', '/validate/doorbell', { userConfig: { pin: '1234' } }).expect(200, { ok: true })
  })

  test('go to their agent, and nothing is made or destroyed for them', async () => {
    const { id, box } = await w.running()
    w.start()
    const { body } = await w.call('post', `/provision/${id}/doorbell`, { userConfig: { pin: '1234' } }).expect(200)
    expect(body).toEqual({ toolId: 'doorbell', resourceId: 'user', config: {}, state: 'user_provided', error: null })
    await w.configure(id)
    expect(w.told(box, '/pool/provision')[0]?.env).toEqual({ DOORBELL_PIN: '1234' })
    expect((await w.call('post', `/provision/${id}/doorbell`, {}).expect(409)).body).toMatchObject({ code: 'TOOL_EXISTS' })
    await w.call('delete', `/destroy/${id}/doorbell/user`).expect(200)
    expect(w.toy.bells.size).toBe(0)
  })

  test('are not taken for others that it has', async () => {
    const { id, box } = await w.running()
    const provision = (pin: string) => w.call('post', `/provision/${id}/doorbell`, { userConfig: { pin } })
    await provision('1234').expect(200)
    await provision('1234').expect(200)
    expect((await provision('5678').expect(409)).body).toMatchObject({ code: 'TOOL_EXISTS' })
    await w.configure(id)
    expect(w.told(box, '/pool/provision')[0]?.env).toEqual({ DOORBELL_PIN: '1234' })
  })

  test('are not tried where the tool is not configured', async () => {
    w.toy.plugin.available = false
    const { id } = await w.running()
    for (const path of ['/validate/doorbell', `/provision/${id}/doorbell`])
      expect((await w.call('post', path, { userConfig: { pin: '1234' } }).expect(409)).body).toMatchObject({
        code: 'TOOL_UNAVAILABLE',
      })
  })

  test('are refused by a tool that takes none', async () => {
    expect((await w.call('post', '/validate/wallet', { userConfig: {} }).expect(409)).body).toMatchObject({
      code: 'TOOL_UNAVAILABLE',
    })
  })
})

test('a setting is changed through the tool itself, and shows', async () => {
  const { id } = await w.running()
  w.start()
  expect((await w.call('patch', `/provision/${id}/doorbell`, { volume: 9 }).expect(409)).body).toMatchObject({
    code: 'TOOL_NOT_ACTIVE',
  })
  await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
  expect((await w.call('patch', `/provision/${id}/doorbell`, { volume: 9 }).expect(200)).body).toMatchObject({
    config: { volume: 9 },
  })
  await w.call('patch', `/provision/${id}/doorbell`, { volume: 11 }).expect(400)
  expect((await w.call('patch', `/provision/${id}/wallet`, {}).expect(409)).body).toMatchObject({ code: 'NOT_SUPPORTED' })
})

test('a provider that fails while somebody waits is told from a fault of ours, and when to come back', async () => {
  const { id } = await w.running()
  w.start()
  await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
  const failed = (kind: 'transient' | 'rate_limited') =>
    new ProviderError('no', { provider: 'bells', operation: 'o', kind, uncertain: false, retryAfterMs: 7_000 })
  const { update, userConfig } = w.toy.plugin
  const fail = (kind: 'transient' | 'rate_limited') => {
    if (update) update.apply = () => Promise.reject(failed(kind))
    if (userConfig) userConfig.validate = () => Promise.reject(failed(kind))
  }
  const asks = [
    () => w.call('patch', `/provision/${id}/doorbell`, { volume: 9 }),
    () => w.call('post', '/validate/doorbell', { userConfig: { pin: '1234' } }),
  ]
  for (const ask of asks) {
    fail('transient')
    expect((await ask().expect(502)).body).toMatchObject({ code: 'PROVIDER_FAILED' })
    fail('rate_limited')
    const busy = await ask().expect(503)
    expect([busy.body, busy.headers['retry-after']]).toEqual([expect.objectContaining({ code: 'PROVIDER_BUSY' }), '7'])
  }
})

test('usage is measured at most every five minutes, however many ask', async () => {
  const { id } = await w.running()
  w.start()
  await w.call('post', `/provision/${id}/doorbell`, {}).expect(200)
  for (let i = 0; i < 3; i++) {
    const { body } = await w.call('get', `/provision/${id}/doorbell`).expect(200)
    expect(body).toMatchObject({ usage: { sample: { rung: 1 } } })
  }
  await w.stop()
  await w.h.moveClock(301_000)
  expect((await w.call('get', `/provision/${id}/doorbell`)).body).toMatchObject({ usage: { sample: { rung: 2 } } })
})

test('what there is not is said so', async () => {
  const { id } = await w.running()
  expect((await w.call('post', `/provision/${id}/trumpet`, {}).expect(404)).body).toMatchObject({ code: 'TOOL_UNKNOWN' })
  expect((await w.call('post', `/provision/${newId()}/doorbell`, {}).expect(404)).body).toMatchObject({
    code: 'INSTANCE_UNKNOWN',
  })
  expect((await w.call('delete', `/destroy/${id}/wallet/x`).expect(409)).body).toMatchObject({ code: 'TOOL_REQUIRED' })
  await w.call('get', `/provision/${id}/doorbell`).expect(404)
})
