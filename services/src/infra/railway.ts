import type { z } from 'zod'
import { isKind, ProviderError } from './errors.ts'
import type { DomainRef, FoundProject, InfraProvider, ServiceRef } from './provider.ts'
import { createRailwayClient, type RailwayClientOptions } from './railway/client.ts'
import * as op from './railway/operations.ts'
import { environmentPatch } from './railway/patch.ts'
import { verdictOf } from './railway/verdict.ts'

export interface RailwayOptions extends RailwayClientOptions {
  workspaceId: string
  registryCredentials: { username: string; password: string } | null
}

const PAGE = 100
/** Railway's clock and ours need not agree. */
const CLOCK_MARGIN_MS = 60 * 60 * 1000

/** Instances as Railway projects: one service with one volume and one domain each. */
export function createRailway(options: RailwayOptions): InfraProvider {
  const { workspaceId, registryCredentials } = options
  const call = createRailwayClient(options)

  async function projectVisible(id: string): Promise<boolean> {
    const { projectsByIds } = await call(op.ProjectsStatusByIds, { ids: [id] })
    return projectsByIds.some((project) => project.id === id && project.deletedAt === null)
  }

  return {
    async createProject({ name, marker, environment }) {
      const { projectCreate: project } = await call(op.ProjectCreate, {
        input: {
          workspaceId,
          name,
          description: marker,
          defaultEnvironmentName: environment,
          isPublic: false,
          prDeploys: false,
        },
      })
      const { projectId, environmentId } = foundProject(project)
      if (!environmentId) throw new Error(`project ${projectId} was created without an environment`)
      return { projectId, environmentId }
    },

    async findProjects({ marker, since }) {
      const found: FoundProject[] = []
      for (let after: string | null = null; ;) {
        const page: z.output<typeof op.ProjectsPage.data> = await call(op.ProjectsPage, {
          workspaceId,
          first: PAGE,
          after,
          orderBy: 'CREATED_AT_DESC',
        })
        const { edges, pageInfo } = page.projects
        const projects = edges.map((edge) => edge.node)
        found.push(...projects.filter((p) => p.description === marker && p.deletedAt === null).map(foundProject))
        const oldest = projects.at(-1)
        const farEnough = !oldest || oldest.createdAt.getTime() < since.getTime() - CLOCK_MARGIN_MS
        if (farEnough || !pageInfo.hasNextPage || pageInfo.endCursor === after) return found.toReversed()
        after = pageInfo.endCursor
      }
    },

    async deleteProject(id) {
      try {
        await call(op.ProjectDelete, { id })
      } catch (err) {
        // a repeat is refused in one of these ways; `projectGone` tells
        if (!isKind(err, 'not_found', 'auth')) throw err
      }
    },

    async projectGone(id) {
      try {
        return (await call(op.ProjectGet, { id })).project.deletedAt !== null
      } catch (err) {
        if (isKind(err, 'not_found')) return true
        if (!isKind(err, 'auth')) throw err
        // gone, or a token that sees nothing: it must still see the workspace
        await call(op.ProjectsPage, { workspaceId, first: 1, after: null, orderBy: 'CREATED_AT_DESC' })
        return !(await projectVisible(id))
      }
    },

    async ensureService({ projectId, environmentId, name }) {
      try {
        return (await call(op.ServiceCreate, { input: { projectId, environmentId, name } })).serviceCreate.id
      } catch (err) {
        if (!isKind(err, 'conflict')) throw err
        const { services } = (await call(op.ProjectGet, { id: projectId })).project
        const service = services.find((candidate) => candidate.name === name)
        if (service) return service.id
        throw new ProviderError('the service of that name does not show yet', {
          provider: 'railway',
          operation: 'ensureService',
          kind: 'not_found',
          uncertain: false,
          cause: err,
        })
      }
    },

    async createVolume({ projectId, environmentId, serviceId, mountPath, region }) {
      const input = { projectId, environmentId, serviceId, mountPath, ...(region ? { region } : {}) }
      return (await call(op.VolumeCreate, { input })).volumeCreate.id
    },

    async findVolume({ environmentId, serviceId }) {
      const { volumeInstances } = (await call(op.VolumesGet, { id: environmentId })).environment
      return volumeInstances.find((v) => v.serviceId === serviceId && !v.isPendingDeletion)?.volumeId ?? null
    },

    async createDomain({ environmentId, serviceId, targetPort }) {
      return domainRef(
        (await call(op.ServiceDomainCreate, { input: { environmentId, serviceId, targetPort } })).serviceDomainCreate,
      )
    },

    async findDomain({ projectId, environmentId, serviceId }: ServiceRef) {
      const [domain] = (await call(op.DomainsGet, { projectId, environmentId, serviceId })).domains.serviceDomains
      return domain ? domainRef(domain) : null
    },

    async apply({ environmentId, serviceId, volumeId, desired }) {
      const patch = environmentPatch({ serviceId, volumeId, desired, registryCredentials })
      await call(op.EnvironmentPatchCommit, { environmentId, patch, commitMessage: 'convos: desired state' })
    },

    async deploy({ serviceId, environmentId }) {
      return (await call(op.ServiceInstanceDeployV2, { serviceId, environmentId })).serviceInstanceDeployV2
    },

    async latestDeployments(ids) {
      const { projectsByIds } = await call(op.ProjectsStatusByIds, { ids })
      return new Map(
        projectsByIds.map(({ id, deletedAt, environments }) => {
          const latest = environments[0]?.serviceInstances[0]?.latestDeployment ?? null
          const deployment = latest && { id: latest.id, verdict: verdictOf(latest) }
          return [id, { projectDeleted: deletedAt !== null, deployment }]
        }),
      )
    },
  }
}

const foundProject = ({ id, environments }: { id: string; environments: { id: string }[] }): FoundProject => ({
  projectId: id,
  environmentId: environments[0]?.id ?? null,
})

const domainRef = ({ id, domain }: { id: string; domain: string }): DomainRef => ({ domainId: id, domain })
