import { fileURLToPath } from 'node:url'
import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { eventually, type TestDatabase } from '@convos/sandbox/testing'
import request from 'supertest'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { readMeta } from '@convos/kit'
import { readConfig, type Config } from '../src/config.ts'
import { type Context, createContext } from '../src/context.ts'
import type { StatusDetail } from '../src/contract/index.ts'
import { type RunningServices, startServices } from '../src/service.ts'
import { testEnv } from './support/config.ts'
import { newId, servicesDatabase } from './support/harness.ts'

/** Two replicas of the real service against the simulated providers: HTTP everywhere, instances are processes. */
let sim: SimulatorServer
let database: TestDatabase
let config: Config
let contexts: Context[]
let replicas: RunningServices[]

beforeAll(async () => {
  const agent = fileURLToPath(new URL('./support/stub-agent.ts', import.meta.url))
  sim = await startSimulators({ railway: { projectIntervalMs: 300, agentServer: { command: process.execPath, args: [agent] } } })
  database = await servicesDatabase(inject('postgresUrl'))
  config = readConfig(
    testEnv({
      DATABASE_URL: database.url,
      RAILWAY_API_URL: `${sim.url}/railway/graphql/v2`,
      RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
      RAILWAY_PROJECT_INTERVAL_MS: '300',
      OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
      GHCR_URL: sim.url,
    }),
  )
  const first = createContext(config, { environment: 'dev', deploymentId: '' })
  const meta = await readMeta(first.db)
  await first.db.end()
  contexts = [createContext(config, meta), createContext(config, meta)]
  replicas = await Promise.all(contexts.map(startServices))
})
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await sim.close()
  await database.drop()
})
beforeEach(() => sim.faults.clear())

const api = (replica = 0) => `http://127.0.0.1:${replicas[replica]?.port}`
const headers = () => ({ authorization: `Bearer ${config.apiKeys[0]}`, 'x-environment': 'dev' })
const create = (instanceId: string) => request(api()).post('/create-instance').set(headers()).send({ instanceId })
const destroy = (instanceId: string) => request(api(1)).delete(`/destroy/${instanceId}`).set(headers())
const detail = async (instanceId: string) => {
  const { body } = await request(api(1))
    .post('/status/batch')
    .set(headers())
    .send({ instanceIds: [instanceId], detail: true })
  const found = (body as Record<string, StatusDetail>)[instanceId]
  if (!found) throw new Error('no answer for the instance')
  return found
}
/** Backoffs are not waited out. */
const hurry = async (instanceId: string) => {
  await contexts[0]?.db.query(
    'update instance_infra set next_run_at = clock_now() where instance_id = $1 and next_run_at > clock_now()',
    [instanceId],
  )
  contexts[0]?.work.notify()
}
const reach = (instanceId: string, state: StatusDetail['state']) =>
  eventually(
    `${instanceId} is ${state}`,
    async () => {
      await hurry(instanceId)
      const found = await detail(instanceId)
      return found.state === state ? found : null
    },
    { timeoutMs: 15_000, everyMs: 100 },
  )

interface Resources {
  railway: {
    projects: {
      instanceId: string
      name: string
      services: unknown[]
      volumes: { mountPath: string }[]
      domains: { domain: string }[]
      deployments: { image: string; variables: Record<string, string>; volumeMounted: boolean; domain: string | null }[]
    }[]
  }
  openrouter: { keys: { instanceId: string; id: string }[] }
}
const resourcesOf = async (instanceId: string) => {
  const { railway, openrouter } = (await (await fetch(`${sim.url}/_control/resources`)).json()) as Resources
  const ours = (entry: { instanceId: string }) => entry.instanceId === instanceId
  return { projects: railway.projects.filter(ours), keys: openrouter.keys.filter(ours) }
}

test('an agent comes up after one deployment that had everything, is claimed, and goes without a trace', async () => {
  const id = newId()
  expect((await create(id).expect(202)).body).toEqual({ instanceId: id, url: null })
  const up = await reach(id, 'healthy')
  expect(up.health).toMatchObject({ ready: true, clean: true, binding: 'none' })
  expect(up.image).toMatch(/^ghcr\.io\/xmtplabs\/convos-runtime@sha256:[0-9a-f]{64}$/)

  const { projects, keys } = await resourcesOf(id)
  expect(projects).toHaveLength(1)
  const [project] = projects
  expect(project?.services).toHaveLength(1)
  expect(project?.volumes).toMatchObject([{ mountPath: '/data' }])
  expect(project?.deployments).toMatchObject([{ image: up.image, volumeMounted: true, domain: project?.domains[0]?.domain }])
  expect(project?.deployments[0]?.variables).toMatchObject({
    INSTANCE_ID: id,
    OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
  })
  expect(keys.map((key) => ({ toolId: 'openrouter', resourceId: key.id, state: 'active' }))).toEqual(
    up.tools.filter((tool) => tool.toolId === 'openrouter'),
  )

  const claim = (claimId: string) =>
    request(api())
      .post(`/configure/${id}`)
      .set(headers())
      .send({
        claimId,
        agentName: 'Tokyo',
        instructions: 'Plan a trip.',
        model: null,
        owner: null,
        templateId: null,
        allowedTools: ['email'],
      })
  const cursor = ((await request(api()).get('/changes').set(headers())).body as { cursor: string }).cursor
  const claimed = await claim('claim-1').expect(200)
  expect(claimed.body).toMatchObject({
    ok: true,
    conversationId: 'conversation of claim-1',
    status: 'active',
    gatewayUrl: up.url,
  })
  const gateway = await request(api(1)).get(`/instances/${id}/gateway`).set(headers()).expect(200)
  expect((claimed.body as { gatewayToken: string }).gatewayToken).toBe(
    project?.deployments[0]?.variables['OPENCLAW_GATEWAY_TOKEN'],
  )
  expect(gateway.body).toEqual({ gatewayUrl: up.url, gatewayToken: (claimed.body as { gatewayToken: string }).gatewayToken })
  expect((await claim('claim-1').expect(200)).body).toEqual(claimed.body)
  expect((await claim('claim-2').expect(409)).body).toMatchObject({ code: 'FOREIGN_CLAIM' })

  const changes = await request(api(1)).get(`/changes?after=${cursor}&waitMs=5000`).set(headers()).expect(200)
  expect(changes.body).toMatchObject({ instanceIds: [id], reset: false })
  expect((await detail(id)).health).toMatchObject({ binding: 'active', claimId: 'claim-1' })

  await destroy(id).expect(202)
  await reach(id, 'destroyed')
  expect(await resourcesOf(id)).toEqual({ projects: [], keys: [] })
  expect((await claim('claim-1').expect(404)).body).toMatchObject({ code: 'INSTANCE_UNKNOWN' })
})

test('a fleet that is well costs no request to Railway', async () => {
  const id = newId()
  await create(id)
  await reach(id, 'healthy')
  const { body } = await request(api()).get(`/instances/${id}`).set(headers()).expect(200)
  expect((body as { steps: { state: string }[] }).steps.map(({ state }) => state)).toEqual(Array(8).fill('done'))
  const since = new Date().toISOString()
  const { at } = (await detail(id)).health ?? {}
  await contexts[0]?.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
  await eventually('it was probed again', async () => (await detail(id)).health?.at !== at)
  const asked = (await (await fetch(`${sim.url}/_control/requests?provider=railway&since=${since}`)).json()) as unknown[]
  expect(asked).toEqual([])
})

test('a destroy that comes to another replica while the project is being created leaves nothing', async () => {
  const id = newId()
  const rule = sim.faults.add({
    provider: 'railway',
    match: { operation: 'ProjectCreate' },
    times: 1,
    effect: { kind: 'hang-after' },
  })
  await create(id).expect(202)
  await eventually('the project exists, and nobody has been told', () => rule.held === 1)
  expect((await resourcesOf(id)).projects).toHaveLength(1)
  await destroy(id).expect(202)
  sim.faults.clear(rule.id)
  await reach(id, 'destroyed')
  expect(await resourcesOf(id)).toEqual({ projects: [], keys: [] })
})

test('several at once keep to the pace that Railway allows, without being told so', async () => {
  const ids = [newId(), newId(), newId()]
  const since = new Date().toISOString()
  await Promise.all(ids.map((id) => create(id).expect(202)))
  for (const id of ids) await reach(id, 'healthy')
  const asked = (await (await fetch(`${sim.url}/_control/requests?provider=railway&since=${since}`)).json()) as {
    operation: string
  }[]
  expect(asked.filter(({ operation }) => operation === 'ProjectCreate')).toHaveLength(3)
  for (const id of ids) await destroy(id)
  for (const id of ids) await reach(id, 'destroyed')
})

test('an image that cannot be resolved creates nothing', async () => {
  const id = newId()
  await contexts[0]?.db.query('delete from wanted_images')
  sim.faults.add({ provider: 'ghcr', effect: { kind: 'status', status: 503 } })
  expect((await create(id).expect(503)).body).toMatchObject({ code: 'IMAGE_UNRESOLVED' })
  expect((await detail(id)).state).toBe('absent')
  sim.faults.clear()
  const { body } = await request(api()).post('/image/resolve').set(headers()).send({}).expect(200)
  expect(body).toMatchObject({ ref: config.instance.imageRef, digest: expect.stringMatching(/^sha256:/) as string })
  expect((await request(api(1)).get('/image').set(headers())).body).toEqual(body)
})
