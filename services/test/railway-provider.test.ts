import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openGate } from '../src/budget/gate.ts'
import type { DesiredState, Place, PlaceRequest } from '../src/infra/provider.ts'
import { createRailway, type RailwayOptions } from '../src/infra/railway.ts'

const options = (url: string, over: Partial<RailwayOptions> = {}): RailwayOptions => ({
  url: `${url}/graphql/v2`,
  token: randomBytes(16).toString('hex'),
  gate: openGate,
  workspaceId: SANDBOX_WORKSPACE.id,
  environment: 'staging',
  projectIntervalMs: 31_000,
  region: null,
  registryCredentials: null,
  ...over,
})
const desired = (over: Partial<DesiredState> = {}): DesiredState => ({
  image: `ghcr.io/acme/agent@sha256:${'a'.repeat(64)}`,
  startCommand: 'sh -c run',
  healthcheck: { path: '/pool/health', timeoutSeconds: 30 },
  limits: { cpu: 2, memoryBytes: 1024 },
  region: null,
  mountPath: '/data',
  env: { PORT: '8080' },
  ...over,
})
const request = (): PlaceRequest => {
  const instanceId = randomBytes(6).toString('hex')
  const marker = `convos:00000000:staging:${instanceId}`
  return { instanceId, name: `convos-${instanceId}`, marker, since: new Date(), port: 8080, mountPath: '/data', place: {} }
}

describe('on the simulator', () => {
  let sim: SimulatorServer
  beforeAll(async () => {
    sim = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0 } })
  })
  afterAll(() => sim.close())
  beforeEach(() => sim.requests.clear())
  const infra = (over: Partial<RailwayOptions> = {}) => createRailway(options(`${sim.url}/railway`, over))
  const asked = () => sim.requests.list({ provider: 'railway' }).map(({ operation }) => operation)

  async function place(over: Partial<RailwayOptions> = {}): Promise<Place> {
    const own = request()
    let made: Place = {}
    for (const step of infra(over).ensure) made = { ...made, ...(await step.create({ ...own, place: made })) }
    return made
  }

  test('projects are created one at a time over all replicas of a workspace, in the environment of ours', async () => {
    const [project] = infra().ensure
    expect(project.oneAtATime).toMatchObject({ slot: `railway:project:${SANDBOX_WORKSPACE.id}`, everyMs: 31_000 })
    await project.create({ ...request(), name: 'named' })
    const resources = sim.simulators.find(({ name }) => name === 'railway')?.resources()
    expect(JSON.stringify(resources)).toContain('"name":"named"')
  })

  test('the status of 25 places costs one request', async () => {
    const places = await Promise.all(Array.from({ length: 3 }, () => place()))
    sim.requests.clear()
    const many = Array.from({ length: infra().statusBatch }, (_, i) => ({ instanceId: `i${i}`, place: places[i % 3] ?? {} }))
    expect((await infra().status(many)).size).toBe(3)
    expect(asked()).toEqual(['ProjectsStatusByIds'])
  })

  test('a patch asks where the service is only when a region is wanted, and takes it away from everywhere else', async () => {
    const made = await place()
    sim.requests.clear()
    await infra().patch(made, { desired: desired(), removedVariables: [] })
    expect(asked()).toEqual(['EnvironmentPatchCommit'])

    await infra().patch(made, { desired: desired({ region: 'us-west2' }), removedVariables: [] })
    await infra().patch(made, { desired: desired({ region: 'europe-west4' }), removedVariables: [] })
    const config = await graphql(`{ environment(id: "${made['environmentId']}") { config } }`)
    expect(config).toMatchObject({
      environment: {
        config: {
          services: { [made['serviceId'] ?? '']: { deploy: { multiRegionConfig: { 'europe-west4': { numReplicas: 1 } } } } },
        },
      },
    })
    expect(JSON.stringify(config)).not.toContain('us-west2')
  })

  test('a volume is made where the instance is to be', async () => {
    const made = await place({ region: 'europe-west4' })
    const query = `{ environment(id: "${made['environmentId']}") { volumeInstances { edges { node { volumeId region } } } } }`
    const node = { volumeId: made['volumeId'], region: 'europe-west4' }
    expect(await graphql(query)).toEqual({ environment: { volumeInstances: { edges: [{ node }] } } })
  })

  test('the patch says all that a service needs, and credentials of the registry where there are any', async () => {
    const registryCredentials = { username: 'robot', password: randomBytes(8).toString('hex') }
    const made = await place()
    await infra({ registryCredentials }).patch(made, { desired: desired(), removedVariables: ['OLD'] })
    const { environment } = (await graphql(`{ environment(id: "${made['environmentId']}") { config } }`)) as {
      environment: { config: { services: Record<string, object> } }
    }
    expect(environment.config.services[made['serviceId'] ?? '']).toMatchObject({
      source: { image: desired().image, autoUpdates: { type: 'disabled' } },
      deploy: {
        registryCredentials: { username: '*****' },
        startCommand: 'sh -c run',
        healthcheckPath: '/pool/health',
        healthcheckTimeout: 30,
        restartPolicyType: 'ON_FAILURE',
        sleepApplication: false,
        numReplicas: 1,
        limitOverride: { containers: { cpu: 2, memoryBytes: 1024 } },
      },
      volumeMounts: { [made['volumeId'] ?? '']: { mountPath: '/data' } },
    })
  })

  test('a place that is not whole yet is refused what it is not ready for, and nothing is asked', async () => {
    await expect(infra().patch({ projectId: 'p' }, { desired: desired(), removedVariables: [] })).rejects.toMatchObject({
      name: 'ProviderError',
      kind: 'permanent',
      uncertain: false,
    })
    expect(asked()).toEqual([])
  })

  async function graphql(query: string): Promise<unknown> {
    const res = await fetch(`${sim.url}/railway/graphql/v2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer t' },
      body: JSON.stringify({ query }),
    })
    return ((await res.json()) as { data: unknown }).data
  }
})

describe('against answers that no simulator gives', () => {
  let answers: Record<string, (variables: Record<string, unknown>) => unknown>
  const asked: string[] = []
  const server = createServer((req, res) => {
    let text = ''
    req.on('data', (chunk: Buffer) => (text += chunk.toString()))
    req.on('end', () => {
      const { operationName, variables } = JSON.parse(text) as { operationName: string; variables: Record<string, unknown> }
      asked.push(operationName)
      res.end(JSON.stringify(answers[operationName]?.(variables) ?? { errors: [{ message: 'Not Authorized' }] }))
    })
  })
  let infra: ReturnType<typeof createRailway>
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    infra = createRailway(options(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  beforeEach(() => {
    answers = {}
    asked.length = 0
  })
  const edges = (nodes: object[]) => ({ edges: nodes.map((node) => ({ node })) })
  const project = (id: string, description: string | null, over: object = {}) => ({
    id,
    name: id,
    description,
    createdAt: '2030-01-01T00:00:00Z',
    deletedAt: null,
    environments: edges([{ id: `${id}-env`, name: 'staging', serviceInstances: edges([]), volumeInstances: edges([]) }]),
    ...over,
  })
  const MARKER = 'convos:00000000:staging:abcdefabcdef'
  const DAY_BEFORE = new Date('2029-12-31T00:00:00Z')

  /** A list in pages of two. */
  const paged = (all: object[], field: 'ProjectsPage' | 'ProjectsSurvey') => {
    answers[field] = ({ after }) => {
      const from = after === null ? 0 : Number(after)
      const endCursor = String(from + 2)
      return {
        data: { projects: { ...edges(all.slice(from, from + 2)), pageInfo: { hasNextPage: from + 2 < all.length, endCursor } } },
      }
    }
  }

  test('of a marker all live projects are found, over all pages, oldest first, those without an environment too', async () => {
    const half = project('half', MARKER, { environments: edges([]) })
    paged(
      [
        project('new', MARKER),
        project('other', null),
        half,
        project('gone', MARKER, { deletedAt: '2030-01-02T00:00:00Z' }),
        project('old', MARKER),
      ],
      'ProjectsPage',
    )
    expect(await infra.find({ marker: MARKER, since: DAY_BEFORE })).toEqual([
      { projectId: 'old', environmentId: 'old-env' },
      { projectId: 'half' },
      { projectId: 'new', environmentId: 'new-env' },
    ])
    expect(asked).toHaveLength(3)
    asked.length = 0
    await infra.find({ marker: MARKER, since: new Date('2030-01-01T02:00:00Z') })
    expect(asked, 'no further back than it could have been created').toHaveLength(1)
    expect(await infra.ensure[0].find({ ...request(), marker: MARKER, since: DAY_BEFORE })).toMatchObject({ projectId: 'old' })
  })

  test('the survey tells only of markers that are ours in form, with every id of the place', async () => {
    const whole = edges([
      {
        id: 'e',
        serviceInstances: edges([{ serviceId: 's', domains: { serviceDomains: [{ id: 'd', domain: 'a.up.railway.app' }] } }]),
        volumeInstances: edges([
          { volumeId: 'leaving', serviceId: 's', isPendingDeletion: true },
          { volumeId: 'v', serviceId: 's', isPendingDeletion: false },
        ]),
      },
    ])
    paged(
      [project('ours', MARKER, { environments: whole }), project('x', 'convos: my notes'), project('y', `see ${MARKER}`)],
      'ProjectsSurvey',
    )
    expect(await infra.list()).toEqual([
      {
        place: {
          projectId: 'ours',
          environmentId: 'e',
          serviceId: 's',
          volumeId: 'v',
          domainId: 'd',
          domain: 'a.up.railway.app',
        },
        marker: MARKER,
        name: 'ours',
        createdAt: new Date('2030-01-01T00:00:00Z'),
      },
    ])
  })

  test('a cursor that stands still ends the survey', async () => {
    const pageInfo = { hasNextPage: true, endCursor: 'same' }
    answers['ProjectsSurvey'] = () => ({ data: { projects: { ...edges([project('ours', MARKER)]), pageInfo } } })
    expect(await infra.list()).toHaveLength(2)
    expect(asked).toHaveLength(2)
  })

  test('a service whose name is taken is the one of that name, and is waited for while it does not show', async () => {
    const service = infra.ensure[1]
    const own = { ...request(), place: { projectId: 'p', environmentId: 'e' } }
    const services: object[] = []
    answers['ServiceCreate'] = () => ({
      errors: [{ message: `A service named "${own.instanceId}" already exists in this project` }],
    })
    answers['ProjectGet'] = () => ({ data: { project: { id: 'p', deletedAt: null, services: edges(services) } } })
    await expect(service?.create(own)).rejects.toMatchObject({ kind: 'not_found', uncertain: false })
    services.push({ id: 's', name: own.instanceId })
    expect(await service?.create(own)).toEqual({ serviceId: 's' })
  })

  test('a project that cannot be seen is gone only when the workspace can be', async () => {
    const place = { projectId: randomUUID() }
    // as it answers a token that may see nothing
    answers['ProjectsStatusByIds'] = () => ({ data: { projectsByIds: [] } })
    await expect(infra.gone(place)).rejects.toMatchObject({ kind: 'auth' })
    paged([], 'ProjectsPage')
    expect(await infra.gone(place)).toBe(true)
    answers['ProjectGet'] = () => ({ data: { project: { id: 'p', deletedAt: '2030-01-01T00:00:00Z', services: edges([]) } } })
    expect(await infra.gone(place)).toBe(true)
  })

  test('a deployment that does not tell its image has none, and a project says when it was deleted', async () => {
    const deployment = { id: 'd', status: 'SUCCESS', meta: null, deploymentStopped: false, instances: [{ status: 'RUNNING' }] }
    const environments = (latestDeployment: object) => edges([{ serviceInstances: edges([{ latestDeployment }]) }])
    answers['ProjectsStatusByIds'] = () => ({
      data: {
        projectsByIds: [
          { id: 'a', deletedAt: null, environments: environments(deployment) },
          { id: 'b', deletedAt: '2030-01-01T00:00:00Z', environments: environments({ ...deployment, meta: { image: 'i' } }) },
        ],
      },
    })
    const places = ['a', 'b', 'c'].map((id) => ({ instanceId: `of ${id}`, place: { projectId: id } }))
    expect(Object.fromEntries(await infra.status(places))).toEqual({
      'of a': { deleted: false, deployment: { id: 'd', verdict: 'up', image: null } },
      'of b': { deleted: true, deployment: { id: 'd', verdict: 'up', image: 'i' } },
    })
  })

  test('of one line more than was asked for the oldest is left out', async () => {
    const line = (message: string) => ({ timestamp: '2030-01-01T00:00:00.000000000Z', severity: null, message })
    answers['DeploymentLogs'] = () => ({ data: { deploymentLogs: ['1', '2', '3'].map(line) } })
    expect((await infra.logs('d', { limit: 2 })).map(({ message }) => message)).toEqual(['2', '3'])
  })
})
