import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import request from 'supertest'
import { readTools } from '../src/db/tools.ts'
import { createHarness, type Harness, IMAGE, newId } from './support/harness.ts'

let h: Harness
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterEach(() => h.close())

const create = (instanceId: string) => request(h.app).post('/create-instance').set(h.headers).send({ instanceId, image: IMAGE })
const destroy = (instanceId: string) => request(h.app).delete(`/destroy/${instanceId}`).set(h.headers)

test('a creation ends in exactly one deployment, with everything in place when it begins', async () => {
  const id = newId()
  const accepted = await create(id).expect(202)
  expect(accepted.body).toEqual({ instanceId: id, url: null })

  await h.reach(id, 'deploying')

  expect(h.infra.live()).toHaveLength(1)
  const [project] = h.infra.live()
  expect(project).toMatchObject({ marker: `convos:00000000:dev:${id}`, name: `convos-dev-${id}` })
  expect(project?.services).toEqual([{ id: expect.any(String) as string, name: id }])
  expect(project?.deployments).toHaveLength(1)
  const [deployment] = project?.deployments ?? []
  expect(deployment?.volumes).toHaveLength(1)
  expect(deployment?.domains).toHaveLength(1)
  expect(deployment?.desired.image).toBe(IMAGE)
  const [key] = h.keys.values()
  expect(deployment?.desired.env).toMatchObject({
    INSTANCE_ID: id,
    OPENROUTER_API_KEY: key?.secret,
    PRIVATE_WALLET_KEY: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    PORT: '8080',
  })

  const again = await create(id).expect(201)
  expect(again.body).toEqual({ instanceId: id, url: `http://${project?.domains[0]}` })
  await h.pass()
  expect(h.infra.projects).toHaveLength(1)
})

test('every instance has secrets of its own, and none of them is readable in the database', async () => {
  const ids = [newId(), newId()]
  for (const id of ids) {
    await create(id)
    await h.reach(id, 'deploying')
  }
  const secrets = h.infra.live().flatMap((project) => {
    const env = project.deployments[0]?.desired.env ?? {}
    const names = [
      'INSTANCE_CONTROL_TOKEN',
      'INSTANCE_SERVICES_TOKEN',
      'OPENCLAW_GATEWAY_TOKEN',
      'SETUP_PASSWORD',
      'OPENROUTER_API_KEY',
      'PRIVATE_WALLET_KEY',
    ]
    return names.map((name) => env[name])
  })
  expect(secrets).toHaveLength(12)
  expect(new Set(secrets).size).toBe(12)

  const { rows } = await h.ctx.db.query<{ dump: string }>(
    `select (select string_agg(i::text, ' ') from instance_infra i) || (select string_agg(s::text, ' ') from instance_services s) as dump`,
  )
  for (const secret of secrets) expect(rows[0]?.dump).not.toContain(secret)
})

const STEPS = ['create project', 'create service', 'create volume', 'create domain', 'patch', 'status'] as const
const FAULTS = ['before', 'after'] as const
describe.each(STEPS.flatMap((verb) => FAULTS.map((fault) => ({ verb, fault }))))(
  'when $verb breaks $fault its effect',
  ({ verb, fault }) => {
    test('the creation still ends with one of everything', async () => {
      const id = newId()
      await create(id)
      h.infraFaults.inject(verb, fault)
      await h.reach(id, 'deploying')
      expect(h.infra.live()).toHaveLength(1)
      const [project] = h.infra.live()
      expect(project?.services).toHaveLength(1)
      expect(project?.volumes).toHaveLength(1)
      expect(project?.domains).toHaveLength(1)
      expect(project?.deployments).toHaveLength(1)
      expect(h.keys.size).toBe(1)
    })

    test('a destroy right after it leaves nothing', async () => {
      const id = newId()
      await create(id)
      h.infraFaults.inject(verb, fault)
      await h.pass()
      await destroy(id)
      await h.makeDue(id)
      await h.pass()
      await h.moveClock(121_000)
      await h.reach(id, 'destroyed')
      expect(h.infra.live()).toHaveLength(0)
      expect(h.keys.size).toBe(0)
    })
  },
)

describe.each(FAULTS)('when creating the model key breaks %s its effect', (fault) => {
  test('one key is left, and it is the one the instance has', async () => {
    const id = newId()
    await create(id)
    h.keyFaults.inject('create', fault)
    await h.reach(id, 'deploying')
    expect(h.keys.size).toBe(1)
    const [key] = h.keys.values()
    expect(h.infra.live()[0]?.deployments[0]?.desired.env['OPENROUTER_API_KEY']).toBe(key?.secret)
  })

  test('a destroy finds it by its name', async () => {
    const id = newId()
    await create(id)
    h.keyFaults.inject('create', fault)
    await h.pass()
    await destroy(id)
    await h.makeDue(id)
    await h.pass()
    await h.moveClock(121_000)
    await h.reach(id, 'destroyed')
    expect(h.keys.size).toBe(0)
    expect(h.infra.live()).toHaveLength(0)
  })
})

test('a patch that started no deployment is deployed explicitly, but not before it had its time', async () => {
  const id = newId()
  h.infra.autoDeploy = false
  await create(id)
  await h.pass()
  await h.makeDue(id)
  await h.pass()
  expect(h.infraFaults.calls.get('redeploy')).toBeUndefined()
  await h.moveClock(31_000)
  await h.reach(id, 'deploying')
  expect(h.infra.live()[0]?.deployments).toHaveLength(1)
})

test('a destroyed instance is a tombstone: its secrets are gone, but for the wallet, and its id is not used again', async () => {
  const id = newId()
  await create(id)
  await h.reach(id, 'deploying')
  expect((await destroy(id).expect(202)).body).toEqual({ ok: false })
  await h.reach(id, 'destroyed')
  expect((await destroy(id).expect(200)).body).toEqual({ ok: true })
  expect(h.infra.live()).toHaveLength(0)
  expect(h.keys.size).toBe(0)

  const { rows } = await h.ctx.db.query<Record<string, unknown>>(
    'select desired_env, gateway_token, control_token, services_token, services_token_hash from instance_infra where instance_id = $1',
    [id],
  )
  expect(Object.values(rows[0] ?? {})).toEqual([null, null, null, null, null])
  const tools = await readTools(h.ctx.db, [id])
  expect(
    tools
      .map(({ toolId, state, secret }) => ({ toolId, state, kept: secret !== null }))
      .toSorted((a, b) => (a.toolId < b.toolId ? -1 : 1)),
  ).toEqual([
    { toolId: 'openrouter', state: 'destroyed', kept: false },
    { toolId: 'wallet', state: 'retained', kept: true },
  ])
  expect((await create(id).expect(410)).body).toMatchObject({ code: 'INSTANCE_GONE' })
})

test('an id that was destroyed before it was ever heard of cannot be created', async () => {
  const id = newId()
  expect((await destroy(id).expect(200)).body).toEqual({ ok: true })
  await create(id).expect(410)
})

test('a destroy that overtakes the creation unwinds what there is, and creates nothing more', async () => {
  const id = newId()
  await create(id)
  h.infraFaults.inject('create volume', 'before')
  await h.pass()
  await destroy(id).expect(202)
  await h.reach(id, 'destroyed')
  expect(h.infra.live()).toHaveLength(0)
  expect(h.infraFaults.calls.get('create domain')).toBeUndefined()
  expect(h.keys.size).toBe(0)
})

test('one resource that cannot be removed keeps no other alive', async () => {
  const id = newId()
  await create(id)
  await h.reach(id, 'deploying')
  h.keyFaults.inject('destroy', 'before', 2)
  await destroy(id)
  await h.pass()
  expect(h.infra.live()).toHaveLength(0)
  expect(h.keys.size).toBe(1)
  expect((await h.row(id)).lastError).toContain('the connection broke')
  await h.reach(id, 'destroyed')
  expect(h.keys.size).toBe(0)
})
