import { LOOKUP_BATCH } from '../limits.ts'
import { isKind } from './errors.ts'
import type { InfraProvider, Inspected, PlaceStatus } from './provider.ts'
import { createRailwayClient, type RailwayClientOptions } from './railway/client.ts'
import { ensureSteps, type EnsureOptions } from './railway/ensure.ts'
import * as op from './railway/operations.ts'
import { environmentPatch } from './railway/patch.ts'
import { idsOf } from './railway/place.ts'
import { findProjects, surveyProjects } from './railway/projects.ts'
import { verdictOf } from './railway/verdict.ts'

export interface RailwayOptions extends RailwayClientOptions, EnsureOptions {
  registryCredentials: { username: string; password: string } | null
}

/** Instances as Railway projects: one service with one volume and one domain each. */
export function createRailway(options: RailwayOptions): InfraProvider {
  const { workspaceId, registryCredentials } = options
  const call = createRailwayClient(options)
  const find: InfraProvider['find'] = (p) => findProjects(call, { workspaceId, ...p })

  /** A fresh service is where the workspace prefers; only to be elsewhere one has to know where. */
  async function regionsOf(environmentId: string, serviceId: string): Promise<string[]> {
    const { services } = (await call(op.RegionsGet, { environmentId })).environment.config
    return Object.keys(services?.[serviceId]?.deploy?.multiRegionConfig ?? {})
  }

  return {
    name: 'railway',
    ensure: ensureSteps(call, options, find),
    find,
    list: () => surveyProjects(call, workspaceId),

    async inspect(place) {
      const ids = idsOf(place, 'projectId', 'environmentId', 'serviceId')
      try {
        const { serviceInstance } = await call(op.ServiceInspect, ids)
        const { variables } = await call(op.VariablesGet, ids)
        return {
          domain: serviceInstance.domains.serviceDomains[0]?.domain ?? null,
          image: serviceInstance.source?.image ?? null,
          deploymentId: serviceInstance.latestDeployment?.id ?? null,
          variables: ownVariables(variables),
        } satisfies Inspected
      } catch (err) {
        // gone and not ours look alike
        if (isKind(err, 'not_found', 'auth')) return null
        throw err
      }
    },

    async patch(place, { desired, removedVariables }) {
      const { environmentId, serviceId, volumeId } = idsOf(place, 'environmentId', 'serviceId', 'volumeId')
      const regions = desired.region === null ? [] : await regionsOf(environmentId, serviceId)
      const patch = environmentPatch({ serviceId, volumeId, desired, removedVariables, regions, registryCredentials })
      await call(op.EnvironmentPatchCommit, { environmentId, patch, commitMessage: 'convos: desired state' })
    },

    async redeploy(place) {
      return (await call(op.ServiceInstanceDeployV2, idsOf(place, 'serviceId', 'environmentId'))).serviceInstanceDeployV2
    },

    async restart(_place, deploymentId) {
      await call(op.DeploymentRestart, { id: deploymentId })
    },

    async rename(place, name) {
      await call(op.ProjectUpdate, { id: idsOf(place, 'projectId').projectId, input: { name } })
    },

    async status(places, { atLeisure } = { atLeisure: false }) {
      const byProject = new Map(places.map(({ instanceId, place }) => [idsOf(place, 'projectId').projectId, instanceId]))
      if (byProject.size === 0) return new Map()
      const operation = atLeisure ? op.StatusAtLeisure : op.ProjectsStatusByIds
      const { projectsByIds } = await call(operation, { ids: [...byProject.keys()] })
      const answers = projectsByIds.flatMap(({ id, deletedAt, environments }): [string, PlaceStatus][] => {
        const instanceId = byProject.get(id)
        const latest = environments[0]?.serviceInstances[0]?.latestDeployment ?? null
        const deployment = latest && { id: latest.id, verdict: verdictOf(latest), image: latest.meta?.image ?? null }
        return instanceId === undefined ? [] : [[instanceId, { deleted: deletedAt !== null, deployment }]]
      })
      return new Map(answers)
    },
    statusBatch: LOOKUP_BATCH,

    async logs(deploymentId, { limit }) {
      const { deploymentLogs } = await call(op.DeploymentLogs, { deploymentId, limit })
      return deploymentLogs.slice(-limit).map(({ timestamp, severity, message }) => ({ at: timestamp, severity, message }))
    },

    async drop(place) {
      try {
        await call(op.ProjectDelete, { id: idsOf(place, 'projectId').projectId })
      } catch (err) {
        // a repeat is refused in one of these ways; `gone` tells
        if (!isKind(err, 'not_found', 'auth')) throw err
      }
    },

    async gone(place) {
      const { projectId: id } = idsOf(place, 'projectId')
      try {
        return (await call(op.ProjectGet, { id })).project.deletedAt !== null
      } catch (err) {
        if (isKind(err, 'not_found')) return true
        if (!isKind(err, 'auth')) throw err
        // gone, or a token that sees nothing: it must still see the workspace
        await call(op.ProjectsPage, { workspaceId, first: 1, after: null, orderBy: 'CREATED_AT_DESC' })
        const { projectsByIds } = await call(op.ProjectsStatusByIds, { ids: [id] })
        return !projectsByIds.some((project) => project.id === id && project.deletedAt === null)
      }
    },

    checkpoints: null,
  }
}

/** Without those that Railway adds by itself. */
const ownVariables = (variables: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('RAILWAY_')))
