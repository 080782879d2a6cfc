import { scoped } from '../src/testing/index.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startRailway, IMAGE, WORKSPACE, type RailwayApi } from './support/railway-api.ts'

let api: RailwayApi
beforeEach(async () => {
  api = await startRailway()
})
afterEach(() => api.close())

const CREATE = 'mutation ProjectCreate($input: ProjectCreateInput!) { projectCreate(input: $input) { id } }'

describe('errors', () => {
  test('a missing or bad token is refused with 200, in the shape of every execution error', async () => {
    const query = 'query { apiToken { workspaces { id name } } }'
    for (const token of ['', 'bad']) {
      const { status, errors, data } = await api.ask(query, {}, token)
      expect({ status, data }).toEqual({ status: 200, data: null })
      expect(errors).toEqual([
        {
          message: 'Not Authorized',
          locations: [{ line: 1, column: 9 }],
          path: ['apiToken'],
          extensions: { code: 'INTERNAL_SERVER_ERROR' },
          traceId: expect.stringMatching(/^\d{18}$/),
        },
      ])
    }
    expect((await api.ask(query)).data).toEqual({ apiToken: { workspaces: [{ id: WORKSPACE, name: 'Sandbox' }] } })
  })

  test.each([
    ['a document that does not parse', { query: 'query {' }, 'GRAPHQL_PARSE_FAILED'],
    ['a field that does not exist', { query: '{ apiToken { colour } }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['variables that do not fit', { query: CREATE, variables: {} }, 'BAD_USER_INPUT'],
    ['no document at all', { nothing: true }, 'BAD_USER_INPUT'],
  ])('%s is refused with 400', async (_what, body, code) => {
    const response = await api.post(body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code }, traceId: expect.any(String) }] })
  })

  test('a body that is no JSON is refused, and the simulator lives on', async () => {
    const url = `${api.url}/railway/graphql/v2`
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
    expect(response.status).toBe(400)
    expect((await api.ask('{ apiToken { workspaces { id } } }')).status).toBe(200)
  })

  test('what does not exist is not found', async () => {
    const { errors, data } = await api.ask('query ($id: String!) { project(id: $id) { id } }', { id: 'nope' })
    expect(data).toBeNull()
    expect(errors).toMatchObject([{ message: 'Project not found', extensions: { code: 'INTERNAL_SERVER_ERROR' } }])
  })
})

describe('projects', () => {
  test('are created with their environment, named as wished, in one answer', async () => {
    const { environments } = await api.createProject({
      defaultEnvironmentName: 'staging',
      description: 'convos:d1:staging:abc123def456',
    })
    expect(environments).toEqual([{ id: expect.any(String), name: 'staging' }])
    expect(await api.resources()).toMatchObject([{ name: 'agent', instanceId: 'abc123def456', services: [] }])
  })

  test('have names of at most 32 characters, which need not be unique', async () => {
    const named = (name: string) => api.ask(CREATE, { input: { workspaceId: WORKSPACE, name } })
    expect((await named('x'.repeat(33))).errors).toMatchObject([{ message: 'Invalid project name' }])
    expect((await named('x'.repeat(32))).errors).toBeUndefined()
    expect((await named('x'.repeat(32))).errors).toBeUndefined()
  })

  test('belong to a workspace of the token', async () => {
    expect((await api.ask(CREATE, { input: { workspaceId: 'foreign', name: 'a' } })).errors).toMatchObject([
      { message: 'Not Authorized' },
    ])
    expect((await api.ask(CREATE, { input: { name: 'a' } })).errors).toMatchObject([{ message: 'Problem processing request' }])
  })

  test('are renamed, and keep what an update leaves out', async () => {
    const { id } = await api.createProject({ description: 'marker' })
    const query =
      'mutation ($id: String!, $input: ProjectUpdateInput!) { projectUpdate(id: $id, input: $input) { id name description } }'
    expect((await api.ask(query, { id, input: { name: 'tokyo' } })).data).toEqual({
      projectUpdate: { id, name: 'tokyo', description: 'marker' },
    })
    expect((await api.ask(query, { id, input: { name: 'x'.repeat(33) } })).errors).toMatchObject([
      { message: 'Invalid project name' },
    ])
  })

  test('are deleted with everything in them, once', async () => {
    const shell = await api.createShell()
    const remove = () => api.ask('mutation ProjectDelete($id: String!) { projectDelete(id: $id) }', { id: shell.projectId })
    expect((await remove()).data).toEqual({ projectDelete: true })
    expect((await remove()).errors).toMatchObject([{ message: 'Project not found' }])
    expect(await api.resources()).toEqual([])
    const gone = await api.ask('query ($id: String!) { environment(id: $id) { id } }', { id: shell.environmentId })
    expect(gone.errors).toMatchObject([{ message: 'Environment not found' }])
  })

  test('are listed page by page, newest first, deleted ones only on request, and only with a workspace', async () => {
    const names = ['first', 'second', 'third', 'fourth']
    for (const name of names) await api.createProject({ name })
    const Page = z.object({
      edges: z.array(z.object({ node: z.object({ id: z.string(), name: z.string(), deletedAt: z.string().nullable() }) })),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    })
    const list = (variables: Record<string, unknown>) =>
      api.get(
        Page,
        `query ProjectsPage($workspaceId: String, $first: Int, $after: String, $includeDeleted: Boolean) {
          projects(workspaceId: $workspaceId, first: $first, after: $after, orderBy: CREATED_AT_DESC, includeDeleted: $includeDeleted) {
            edges { cursor node { id name deletedAt } } pageInfo { hasNextPage endCursor }
          }
        }`,
        variables,
      )
    const namesOf = (page: z.infer<typeof Page>) => page.edges.map(({ node }) => node.name)

    const head = await list({ workspaceId: WORKSPACE, first: 2 })
    expect(namesOf(head)).toEqual(['fourth', 'third'])
    expect(head.pageInfo.hasNextPage).toBe(true)

    // The cursor's own project goes away between two pages.
    await api.ask('mutation ($id: String!) { projectDelete(id: $id) }', { id: head.edges[1]?.node.id })
    const tail = await list({ workspaceId: WORKSPACE, first: 2, after: head.pageInfo.endCursor })
    expect(namesOf(tail)).toEqual(['second', 'first'])
    expect(tail.pageInfo.hasNextPage).toBe(false)

    const all = await list({ workspaceId: WORKSPACE, includeDeleted: true })
    expect(all.edges.filter(({ node }) => node.deletedAt !== null).map(({ node }) => node.name)).toEqual(['third'])
    expect(namesOf(await list({}))).toEqual([])
  })

  test('are fetched many at a time; unknown ids are skipped', async () => {
    const { projectId, serviceId, domain } = await api.createShell()
    const query = `query ProjectsStatusByIds($ids: [String!]!) {
      projectsByIds(ids: $ids) { id environments(first: 1) { edges { node { serviceInstances(first: 1) { edges { node {
        serviceId latestDeployment { id status deploymentStopped instances { id status } } domains { serviceDomains { domain targetPort } }
      } } } } } } }
    }`
    const instance = { serviceId, latestDeployment: null, domains: { serviceDomains: [{ domain, targetPort: 8080 }] } }
    expect((await api.ask(query, { ids: ['nope', projectId] })).data).toEqual({
      projectsByIds: [
        { id: projectId, environments: { edges: [{ node: { serviceInstances: { edges: [{ node: instance }] } } }] } },
      ],
    })
  })
})

describe('the project throttle', () => {
  const TEXT = 'You are creating projects too quickly. This workspace allows 1 project per 30 seconds. Try again shortly.'

  test('allows one project per workspace and window; a refused attempt creates nothing and does not prolong it', async () => {
    const workspaces = ['w1', 'w2'].map((id) => ({ id, name: id }))
    const throttled = scoped(await startRailway({ projectIntervalMs: 30_000, workspaces }))
    const create = (workspaceId: string) => throttled.ask(CREATE, { input: { workspaceId, name: 'agent' } })
    expect((await create('w1')).errors).toBeUndefined()
    expect((await create('w2')).errors).toBeUndefined()
    throttled.clock.advance(20_000)
    const refused = await create('w1')
    expect(refused).toMatchObject({
      status: 200,
      data: null,
      errors: [{ message: TEXT, extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    })
    expect(await throttled.resources()).toHaveLength(2)
    throttled.clock.advance(10_000)
    expect((await create('w1')).errors).toBeUndefined()
  })
})

describe('within a project', () => {
  test('service names are unique, however many try at once', async () => {
    const project = await api.createProject()
    const query = 'mutation ($input: ServiceCreateInput!) { serviceCreate(input: $input) { id } }'
    const answers = await Promise.all([1, 2, 3].map(() => api.ask(query, { input: { projectId: project.id, name: 'agent' } })))
    expect(answers.filter((a) => !a.errors)).toHaveLength(1)
    expect(answers.find((a) => a.errors)?.errors).toMatchObject([
      { message: 'A service named "agent" already exists in this project', extensions: { code: 'BAD_USER_INPUT' } },
    ])
  })

  test('a service takes one volume', async () => {
    const shell = await api.createShell()
    const { projectId, environmentId, serviceId } = shell
    await expect(api.createVolume({ projectId, environmentId, serviceId })).rejects.toThrow('already has a volume')
    expect((await api.resources())[0]?.volumes).toEqual([{ id: shell.volumeId, mountPath: '/data' }])
  })

  test('every call adds a domain of its own', async () => {
    const shell = await api.createShell()
    const { domain } = await api.createDomain({ serviceId: shell.serviceId, environmentId: shell.environmentId })
    expect(domain).not.toBe(shell.domain)
    expect((await api.resources())[0]?.domains.map((d) => d.domain)).toEqual([shell.domain, domain])
  })

  test('an equal patch is a silent no-op; a changed one deploys again, and so does an explicit deploy', async () => {
    const shell = await api.createShell()
    const count = async () => (await api.resources())[0]?.deployments.length
    await api.patch(shell, { A: '1' })
    await api.patch(shell, { A: '1' })
    expect(await count()).toBe(1)
    await api.patch(shell, { A: '2' })
    expect(await count()).toBe(2)
    const query =
      'mutation ($serviceId: String!, $environmentId: String!) { serviceInstanceDeployV2(serviceId: $serviceId, environmentId: $environmentId) }'
    const id = await api.get(z.string(), query, { serviceId: shell.serviceId, environmentId: shell.environmentId })
    expect((await api.resources())[0]?.deployments.at(-1)?.id).toBe(id)
  })

  test('a service without an image cannot be deployed, a patch for an unknown service or of a wrong shape changes nothing', async () => {
    const { environmentId, serviceId } = await api.createShell()
    const deploy = `mutation { serviceInstanceDeployV2(serviceId: "${serviceId}", environmentId: "${environmentId}") }`
    expect((await api.ask(deploy)).errors).toMatchObject([{ message: 'Deployment not found' }])
    await api.commit(environmentId, { services: { [serviceId]: { variables: { A: { value: '1' } } } } })
    await expect(api.commit(environmentId, { services: { nope: { source: { image: IMAGE } } } })).rejects.toThrow(
      'Service not found',
    )
    await expect(api.commit(environmentId, { services: { [serviceId]: { source: 7 } } })).rejects.toThrow(
      'Invalid environment patch',
    )
    expect((await api.resources())[0]?.deployments).toEqual([])
  })

  test('the environment shows its configuration masked, its volume, and nothing left to merge', async () => {
    const shell = await api.createShell()
    await api.patch(shell, { SECRET: 's3' }, { registryCredentials: { username: 'bot', password: 'pat' } })
    const query = `query ($id: String!, $decrypt: Boolean) { environment(id: $id) {
      config(decryptVariables: $decrypt) unmergedChangesCount
      volumeInstances(first: 5) { edges { node { volumeId serviceId mountPath state } } }
      deployments(first: 5) { edges { node { meta } } }
    } }`
    const masked = { username: '*****', password: '*****' }
    const expected = (value: string) => ({
      environment: {
        config: {
          services: { [shell.serviceId]: { deploy: { registryCredentials: masked }, variables: { SECRET: { value } } } },
        },
        unmergedChangesCount: 0,
        volumeInstances: {
          edges: [{ node: { volumeId: shell.volumeId, serviceId: shell.serviceId, mountPath: '/data', state: 'READY' } }],
        },
        deployments: { edges: [{ node: { meta: { image: IMAGE, imageDigest: IMAGE.split('@')[1] } } }] },
      },
    })
    expect((await api.ask(query, { id: shell.environmentId })).data).toMatchObject(expected('*****'))
    const decrypted = await api.ask(query, { id: shell.environmentId, decrypt: true })
    expect(decrypted.data).toMatchObject(expected('s3'))
    expect(JSON.stringify(decrypted.data)).not.toContain('pat')
  })

  test('deployments are listed newest first and filtered by status', async () => {
    const shell = await api.createShell()
    await api.patch(shell, { A: '1' })
    await api.patch(shell, { A: '2' })
    await api.deployed(shell, 'SUCCESS')
    const Ids = z
      .object({ edges: z.array(z.object({ node: z.object({ id: z.string() }) })) })
      .transform((c) => c.edges.map((e) => e.node.id))
    const query = 'query ($input: DeploymentListInput!) { deployments(input: $input, first: 10) { edges { node { id } } } }'
    const all = await api.get(Ids, query, { input: { serviceId: shell.serviceId } })
    expect(all).toHaveLength(2)
    const up = await api.get(Ids, query, { input: { serviceId: shell.serviceId, status: { in: ['SUCCESS'] } } })
    expect(up).toEqual([all[0]])
  })
})
