import { randomUUID } from 'node:crypto'
import { ProviderError } from '../../src/infra/errors.ts'
import type { DeploymentVerdict, InfraProvider } from '../../src/infra/provider.ts'
import type { DesiredState } from '../../src/instance/desired.ts'

export interface FakeProject {
  projectId: string
  environmentId: string
  name: string
  marker: string
  deleted: boolean
  services: { id: string; name: string }[]
  volumes: string[]
  domains: string[]
  applied: DesiredState[]
  /** What was in place when each deployment began. */
  deployments: { id: string; desired: DesiredState; volumes: string[]; domains: string[]; verdict: DeploymentVerdict }[]
}

export interface FakeInfra {
  provider: InfraProvider
  projects: FakeProject[]
  live(): FakeProject[]
  /** A patch starts no deployment while this is false. */
  autoDeploy: boolean
}

/** Railway as far as the saga can tell, in memory. */
export function fakeInfra(domainOf: (project: FakeProject) => string): FakeInfra {
  const projects: FakeProject[] = []
  const live = () => projects.filter((project) => !project.deleted)
  const get = (projectId: string) => {
    const project = live().find((candidate) => candidate.projectId === projectId)
    if (!project)
      throw new ProviderError('Project not found', { provider: 'fake', operation: 'get', kind: 'not_found', uncertain: false })
    return project
  }
  const byService = (serviceId: string) => {
    const project = live().find((candidate) => candidate.services.some(({ id }) => id === serviceId))
    if (!project) throw new Error(`no service ${serviceId}`)
    return project
  }
  const deploy = (project: FakeProject) => {
    const desired = project.applied.at(-1)
    if (!desired) throw new Error('nothing to deploy')
    const id = randomUUID()
    project.deployments.push({ id, desired, volumes: [...project.volumes], domains: [...project.domains], verdict: 'rising' })
    return id
  }
  const fake: FakeInfra = {
    projects,
    live,
    autoDeploy: true,
    provider: {
      async createProject({ name, marker }) {
        const project: FakeProject = {
          projectId: randomUUID(),
          environmentId: randomUUID(),
          name,
          marker,
          deleted: false,
          services: [],
          volumes: [],
          domains: [],
          applied: [],
          deployments: [],
        }
        projects.push(project)
        return { projectId: project.projectId, environmentId: project.environmentId }
      },
      async findProjects({ marker }) {
        return live()
          .filter((project) => project.marker === marker)
          .map(({ projectId, environmentId }) => ({ projectId, environmentId }))
      },
      async deleteProject(projectId) {
        const project = live().find((candidate) => candidate.projectId === projectId)
        if (project) project.deleted = true
      },
      async projectGone(projectId) {
        return !live().some((project) => project.projectId === projectId)
      },
      async ensureService({ projectId, name }) {
        const project = get(projectId)
        const known = project.services.find((service) => service.name === name)
        if (known) return known.id
        const id = randomUUID()
        project.services.push({ id, name })
        return id
      },
      async createVolume({ serviceId }) {
        const id = randomUUID()
        byService(serviceId).volumes.push(id)
        return id
      },
      async findVolume({ serviceId }) {
        return byService(serviceId).volumes[0] ?? null
      },
      async createDomain({ serviceId }) {
        const project = byService(serviceId)
        const domain = domainOf(project)
        project.domains.push(domain)
        return { domainId: `id of ${domain}`, domain }
      },
      async findDomain({ serviceId }) {
        const [domain] = byService(serviceId).domains
        return domain === undefined ? null : { domainId: `id of ${domain}`, domain }
      },
      async apply({ serviceId, desired }) {
        const project = byService(serviceId)
        const same = JSON.stringify(project.applied.at(-1)) === JSON.stringify(desired)
        project.applied.push(desired)
        if (!same && fake.autoDeploy) deploy(project)
      },
      async deploy({ serviceId }) {
        return deploy(byService(serviceId))
      },
      async latestDeployments(projectIds) {
        return new Map(
          live()
            .filter((project) => projectIds.includes(project.projectId))
            .map((project) => [project.projectId, { projectDeleted: false, deployment: project.deployments.at(-1) ?? null }]),
        )
      },
    },
  }
  return fake
}
