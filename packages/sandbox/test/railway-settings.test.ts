import { scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { IMAGE } from './support/railway-api.ts'
import { startVirtual } from './support/virtual-instances.ts'

const start = async (options: Parameters<typeof startVirtual>[0] = {}) => scoped(await startVirtual(options))
const WHO = { query: '{ apiToken { workspaces { id } } }' }

describe('request limits', () => {
  test('none, unless set: no header speaks of any', async () => {
    const api = await start()
    const answers = await Promise.all(Array.from({ length: 30 }, () => api.post(WHO)))
    expect(answers.every((a) => a.status === 200 && !a.headers.has('ratelimit-policy'))).toBe(true)
  })

  test('an hourly one is told with every answer; beyond it comes a 429 that says when to try again', async () => {
    const api = await start({ requestsPerHour: 2 })
    const ask = async (token?: string) => api.post(WHO, token)
    for (const answer of [await ask(), await ask()]) {
      expect([answer.status, answer.headers.get('ratelimit-policy')]).toEqual([200, '"default";q=2;w=3600'])
    }
    api.clock.advance(600_000)
    const refused = await ask()
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([429, '3000', { data: null }])
    expect((await ask('another-token')).status).toBe(200)
    api.clock.advance(3_000_000)
    expect((await ask()).status).toBe(200)
  })

  test('one per second is set and taken back while it runs', async () => {
    const api = await start()
    await api.control('PATCH', 'railway/settings', { requestsPerSecond: 1 })
    const statuses = [(await api.post(WHO)).status, (await api.post(WHO)).status]
    expect(statuses).toEqual([200, 429])
    api.clock.advance(1_000)
    expect((await api.post(WHO)).status).toBe(200)
    await api.control('PATCH', 'railway/settings', { requestsPerSecond: null })
    expect((await api.post(WHO)).status).toBe(200)
  })
})

describe('settings', () => {
  test('are read, changed in part, and refused when they make no sense', async () => {
    const api = await start({ projectIntervalMs: 30_000 })
    await api.createProject()
    await expect(api.createProject()).rejects.toThrow('too quickly')
    expect((await api.control('PATCH', 'railway/settings', { projectIntervalMs: 0 })).status).toBe(200)
    await api.createProject()
    expect(await (await api.control('GET', 'railway/settings')).json()).toMatchObject({
      projectIntervalMs: 0,
      requestsPerHour: null,
    })
    expect((await api.control('PATCH', 'railway/settings', { projectInterval: 1 })).status).toBe(400)
    expect((await api.control('PATCH', 'railway/settings', { requestsPerHour: 0 })).status).toBe(400)
  })

  test('volumes, too, can be created too quickly: nothing is created, and the wait is not prolonged', async () => {
    const api = await start({ volumeIntervalMs: 15_000 })
    const shell = await api.createShell()
    const { projectId, environmentId } = shell
    const again = () => api.createVolume({ projectId, environmentId })
    await expect(again()).rejects.toThrow('Whoa there pal! You are creating volumes too quickly. Try again in a sec')
    api.clock.advance(15_000)
    await again()
    expect((await api.resources())[0]?.volumes).toHaveLength(2)
  })

  test('of latencies are refused where instances are processes', async () => {
    const api = await start({ host: 'process' })
    expect((await api.control('PATCH', 'railway/settings', { bootMs: 5 })).status).toBe(400)
  })
})

test('a migration is a new deployment that nobody asked for: same image, same volume, another id', async () => {
  const api = await start()
  const box = await api.instance()
  await box.provision('c1')
  const before = await box.up()
  const migrated = await api.control('POST', 'railway/migrate', { instanceId: box.instanceId })
  const { deploymentId } = z.object({ deploymentId: z.string() }).parse(await migrated.json())
  expect([migrated.status, deploymentId === before.id]).toEqual([201, false])
  expect(await box.up()).toMatchObject({ id: deploymentId, meta: { image: IMAGE } })
  expect(await box.health()).toMatchObject({ claimId: 'c1' })
  expect((await api.control('POST', 'railway/migrate', { instanceId: 'nobody' })).status).toBe(404)
})

test('variables: a service’s own ones but for those that are sealed, and what Railway adds', async () => {
  const api = await start()
  const { environmentId, projectId, serviceId, domain } = await api.createShell()
  const variables = { GREETING: { value: 'hello' }, SEALED: { value: 'x', isSealed: true } }
  await api.commit(environmentId, { services: { [serviceId]: { variables } } })
  const ask = (of: object) =>
    api.get(
      z.record(z.string(), z.string()),
      'query ($p: String!, $e: String!, $s: String) { variables(projectId: $p, environmentId: $e, serviceId: $s) }',
      { p: projectId, e: environmentId, ...of },
    )
  const told = await ask({ s: serviceId })
  expect(told).toMatchObject({
    GREETING: 'hello',
    RAILWAY_PROJECT_ID: projectId,
    RAILWAY_SERVICE_ID: serviceId,
    RAILWAY_PUBLIC_DOMAIN: domain,
    RAILWAY_VOLUME_MOUNT_PATH: '/data',
  })
  expect(told).not.toHaveProperty('SEALED')
  expect(told).not.toHaveProperty('RAILWAY_DEPLOYMENT_ID')
  expect(await ask({})).toEqual({})
  await expect(ask({ s: 'nope' })).rejects.toThrow('Service not found')
})

test('regions are kept as they are given', async () => {
  const api = await start()
  const { projectId, environmentId, serviceId } = await api.createShell()
  const { id } = await api.createVolume({ projectId, environmentId, region: 'europe-west4' })
  const multiRegionConfig = { 'europe-west4': { numReplicas: 1 } }
  await api.commit(environmentId, { services: { [serviceId]: { source: { image: IMAGE }, deploy: { multiRegionConfig } } } })
  const query = `{ environment(id: "${environmentId}") {
    volumeInstances { edges { node { volumeId region } } }
    serviceInstances { edges { node { latestDeployment { meta } } } }
  } }`
  const { data } = await api.ask(query)
  expect(data).toMatchObject({
    environment: {
      volumeInstances: { edges: [{ node: { region: null } }, { node: { volumeId: id, region: 'europe-west4' } }] },
      serviceInstances: {
        edges: [{ node: { latestDeployment: { meta: { serviceManifest: { deploy: { multiRegionConfig } } } } } }],
      },
    },
  })
})

test('lists lag behind under a stale-list fault: projects, services, volumes and domains; what has an id is found by it', async () => {
  const api = await start()
  const { projectId, environmentId, serviceId } = await api.createShell()
  const rule = api.addFault({ kind: 'stale-list', ms: 30_000 })
  const Edges = z.object({ edges: z.array(z.unknown()) }).transform(({ edges }) => edges.length)
  const Counts = z.object({
    projects: Edges,
    projectsByIds: z.array(z.unknown()).transform((list) => list.length),
    project: z.object({ services: Edges, volumes: Edges }),
    environment: z.object({ volumeInstances: Edges, serviceInstances: Edges }),
    domains: z.object({ serviceDomains: z.array(z.unknown()).transform((list) => list.length) }),
  })
  const query = `query Look($p: String!, $e: String!, $s: String!) {
    projects(workspaceId: "sandbox-workspace") { edges { node { id } } }
    projectsByIds(ids: [$p]) { id }
    project(id: $p) { services { edges { node { id } } } volumes { edges { node { id } } } }
    environment(id: $e) { volumeInstances { edges { node { id } } } serviceInstances { edges { node { id } } } }
    domains(projectId: $p, environmentId: $e, serviceId: $s) { serviceDomains { id } }
  }`
  const look = async () => Counts.parse((await api.ask(query, { p: projectId, e: environmentId, s: serviceId })).data)
  const counts = (n: number) => ({
    projects: n,
    projectsByIds: n,
    project: { services: n, volumes: n },
    environment: { volumeInstances: n, serviceInstances: 1 },
    domains: { serviceDomains: n },
  })
  expect(await look()).toEqual(counts(0))
  api.clock.advance(30_000)
  expect(await look()).toEqual(counts(1))
  api.faults.clear(rule.id)
  await api.createProject()
  expect((await look()).projects).toBe(2)
})
