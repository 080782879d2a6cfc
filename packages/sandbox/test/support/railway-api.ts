import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventually } from '@convos/sandbox/testing'
import { z } from 'zod'
import { serveSimulators } from '../../src/simulators/core/serve.ts'
import { createRailway, SANDBOX_WORKSPACE, type RailwayOptions } from '../../src/simulators/railway/index.ts'

export const WORKSPACE = SANDBOX_WORKSPACE.id
export const IMAGE = `ghcr.io/acme/agent@sha256:${'a'.repeat(64)}`

const Answer = z.object({
  errors: z
    .array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }), traceId: z.string() }).loose())
    .optional(),
  data: z.record(z.string(), z.unknown()).nullish(),
})
const Environments = z
  .object({ edges: z.array(z.object({ node: z.object({ id: z.string(), name: z.string() }) })) })
  .transform(({ edges }) => edges.map(({ node }) => node))
const Resources = z.object({
  railway: z.object({
    projects: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        instanceId: z.string().nullable(),
        createdAt: z.string(),
        services: z.array(z.object({ id: z.string(), name: z.string() })),
        volumes: z.array(z.object({ id: z.string(), mountPath: z.string() })),
        domains: z.array(z.object({ id: z.string(), domain: z.string() })),
        deployments: z.array(
          z.object({
            id: z.string(),
            status: z.string(),
            image: z.string(),
            variables: z.record(z.string(), z.string()),
            volumeMounted: z.boolean(),
            domain: z.string().nullable(),
            pid: z.int().nullable(),
          }),
        ),
      }),
    ),
  }),
})
const Deployment = z.object({
  id: z.string(),
  status: z.string(),
  deploymentStopped: z.boolean(),
  meta: z.object({ image: z.string() }).loose(),
  instances: z.array(z.object({ status: z.string() })),
})

export type RailwayApi = Awaited<ReturnType<typeof startRailway>>

/** The Railway simulator behind a real port, with a fixture in place of the agent server, and what tests ask it. */
export async function startRailway(options: RailwayOptions & { stateFile?: string; port?: number } = {}) {
  const { stateFile, port, ...railway } = options
  const agentServer = { command: process.execPath, args: [fileURLToPath(new URL('../fixtures/agent.ts', import.meta.url))] }
  const timings = { initializingMs: 10, creatingMs: 10, healthcheckMs: 50, removingMs: 10 }
  const server = await serveSimulators({
    port,
    stateFile,
    simulators: [(context) => createRailway(context, { agentServer, timings, projectIntervalMs: 0, ...railway })],
  })

  const post = (body: unknown, token = 'a-token', signal: AbortSignal | null = null) =>
    fetch(`${server.url}/railway/graphql/v2?source=test`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
      signal,
    })
  async function ask(query: string, variables: Record<string, unknown> = {}, token?: string) {
    const response = await post({ query, variables }, token)
    return { status: response.status, ...Answer.parse(await response.json()) }
  }
  /** The one field that was asked for; an error fails the test. */
  async function get<T>(shape: z.ZodType<T>, query: string, variables?: Record<string, unknown>): Promise<T> {
    const { data, errors } = await ask(query, variables)
    if (errors) throw new Error(errors.map((e) => e.message).join('; '))
    return shape.parse(Object.values(data ?? {})[0])
  }

  const createProject = (input: Record<string, unknown> = {}) =>
    get(
      z.object({ id: z.string(), environments: Environments }),
      `mutation ProjectCreate($input: ProjectCreateInput!) {
        projectCreate(input: $input) { id environments(first: 5) { edges { node { id name } } } }
      }`,
      { input: { workspaceId: WORKSPACE, name: 'agent', ...input } },
    )
  const createService = (input: Record<string, unknown>) =>
    get(
      z.object({ id: z.string() }),
      'mutation ServiceCreate($input: ServiceCreateInput!) { serviceCreate(input: $input) { id } }',
      { input: { name: 'agent', ...input } },
    )
  const createVolume = (input: Record<string, unknown>) =>
    get(
      z.object({ id: z.string() }),
      'mutation VolumeCreate($input: VolumeCreateInput!) { volumeCreate(input: $input) { id } }',
      { input: { mountPath: '/data', ...input } },
    )
  const createDomain = (input: Record<string, unknown>) =>
    get(
      z.object({ id: z.string(), domain: z.string() }),
      'mutation ServiceDomainCreate($input: ServiceDomainCreateInput!) { serviceDomainCreate(input: $input) { id domain } }',
      { input },
    )
  const commit = (environmentId: string, patch: unknown) =>
    get(
      z.string(),
      `mutation EnvironmentPatchCommit($environmentId: String!, $patch: EnvironmentConfig!) {
        environmentPatchCommit(environmentId: $environmentId, patch: $patch)
      }`,
      { environmentId, patch },
    )
  const latest = (serviceId: string, environmentId: string) =>
    get(
      z.object({ latestDeployment: Deployment.nullable() }).transform((s) => s.latestDeployment),
      `query ($serviceId: String!, $environmentId: String!) {
        serviceInstance(serviceId: $serviceId, environmentId: $environmentId) {
          latestDeployment { id status deploymentStopped meta instances { id status } }
        }
      }`,
      { serviceId, environmentId },
    )
  const resources = async () => {
    const response = await fetch(`${server.url}/_control/resources`)
    return Resources.parse(await response.json()).railway.projects
  }

  /** Everything up to the first deployment, in the order that services uses. */
  async function createShell(input: Record<string, unknown> = {}) {
    const project = await createProject(input)
    const environmentId = project.environments[0]?.id ?? ''
    const service = await createService({ projectId: project.id, environmentId })
    const volume = await createVolume({ projectId: project.id, environmentId, serviceId: service.id })
    const { domain } = await createDomain({ serviceId: service.id, environmentId, targetPort: 8080 })
    return { projectId: project.id, environmentId, serviceId: service.id, volumeId: volume.id, domain }
  }
  type Shell = Awaited<ReturnType<typeof createShell>>
  const patch = (shell: Shell, variables: Record<string, string>, deploy: Record<string, unknown> = {}, image = IMAGE) =>
    commit(shell.environmentId, {
      services: {
        [shell.serviceId]: {
          source: { image },
          deploy: { healthcheckPath: '/health', restartPolicyType: 'ON_FAILURE', ...deploy },
          variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, { value }])),
        },
      },
    })
  const deployed = (shell: Shell, status: string, instance?: string) =>
    eventually(`deployment ${status}`, async () => {
      const deployment = await latest(shell.serviceId, shell.environmentId)
      const seen = deployment?.instances[0]?.status
      return deployment?.status === status && (instance === undefined || seen === instance) ? deployment : null
    })
  const pid = (shell: Shell) =>
    eventually('a process', async () => {
      const project = (await resources()).find((p) => p.id === shell.projectId)
      return project?.deployments.find((d) => d.pid !== null)?.pid
    })

  return {
    ...server,
    post,
    ask,
    get,
    createProject,
    createService,
    createVolume,
    createDomain,
    commit,
    latest,
    resources,
    createShell,
    patch,
    deployed,
    pid,
    [Symbol.asyncDispose]: () => server.close(),
  }
}

/** Does this process run? One that is dead but not yet reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
