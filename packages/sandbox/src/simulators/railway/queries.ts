import type { SimClock } from '../core/clock.ts'
import { connection, type PageArgs } from './connection.ts'
import type { Deployments } from './deployments.ts'
import { notAuthorized } from './errors.ts'
import { finders } from './finders.ts'
import type { Reader } from './lag.ts'
import type { StoredLine } from './logs.ts'
import type { Deployment, DeploymentStatus, Project, RailwayState } from './state.ts'
import { serviceVariables, surroundingsOf } from './variables.ts'
import { views } from './views.ts'

export interface Workspace {
  id: string
  name: string
}

interface ProjectsArgs extends PageArgs {
  workspaceId?: string | null
  includeDeleted?: boolean | null
  orderBy?: 'CREATED_AT_DESC' | 'NAME_ASC' | 'UPDATED_AT_DESC' | null
}

interface DeploymentsArgs extends PageArgs {
  input: {
    projectId?: string | null
    environmentId?: string | null
    serviceId?: string | null
    status?: { in?: DeploymentStatus[] | null; notIn?: DeploymentStatus[] | null } | null
  }
}

interface ServiceArgs {
  serviceId: string
  environmentId: string
}

interface VariablesArgs {
  projectId: string
  environmentId: string
  serviceId?: string | null
}

interface LogsArgs {
  deploymentId: string
  filter?: string | null
  limit?: number | null
  startDate?: string | null
  endDate?: string | null
}

interface Parts {
  state: RailwayState
  workspaces: Workspace[]
  running: Deployments
  clock: SimClock
}

/** The fields of `Query`. Arguments come checked against the schema. */
export function queries({ state, workspaces, running, clock }: Parts) {
  const view = views(state)
  const find = finders(state)
  const workspace = (id: string) => {
    const found = workspaces.find((w) => w.id === id)
    if (!found) throw notAuthorized()
    return found
  }

  return {
    apiToken: () => ({ workspaces }),
    workspace({ workspaceId }: { workspaceId: string }) {
      const now = clock.now().toISOString()
      return {
        ...workspace(workspaceId),
        plan: 'PRO',
        createdAt: now,
        updatedAt: now,
        projectCount: ({ includeDeleted }: { includeDeleted?: boolean | null }) =>
          state.projects.filter((p) => p.workspaceId === workspaceId && (includeDeleted || p.deletedAt === null)).length,
      }
    },

    project: ({ id }: { id: string }) => view.project(find.project(id)),
    projectsByIds: ({ ids }: { ids: string[] }, { listed }: Reader) =>
      listed(state.projects.filter((p) => ids.includes(p.id) && p.deletedAt === null)).map(view.project),
    projects({ workspaceId, includeDeleted, orderBy, ...page }: ProjectsArgs, { listed }: Reader) {
      // Without a workspace an account token sees nothing: an old trap, kept.
      if (!workspaceId) return connection([], page)
      const { id } = workspace(workspaceId)
      const sorted = sortProjects(listed(state.projects.filter((p) => p.workspaceId === id)), orderBy ?? 'CREATED_AT_DESC')
      return connection(sorted.map(view.project), page, (p) => includeDeleted === true || p.deletedAt === null)
    },

    environment: ({ id }: { id: string }) => view.environment(find.environment(id)),
    serviceInstance: ({ serviceId, environmentId }: ServiceArgs) => view.serviceInstance(find.service(serviceId, environmentId)),
    domains: ({ serviceId, environmentId }: ServiceArgs, { listed }: Reader) =>
      view.domains(find.service(serviceId, environmentId).id, listed),
    variables({ projectId, environmentId, serviceId }: VariablesArgs) {
      find.project(projectId)
      find.environment(environmentId)
      // Without a service it is about shared variables, and there are none.
      return serviceId ? serviceVariables(surroundingsOf(state, find.service(serviceId, environmentId))) : {}
    },

    deployment: ({ id }: { id: string }) => view.deployment(find.deployment(id)),
    deployments({ input, ...page }: DeploymentsArgs) {
      const { projectId, environmentId, serviceId, status } = input
      const wanted = (d: Deployment) =>
        (!projectId || d.projectId === projectId) &&
        (!environmentId || d.environmentId === environmentId) &&
        (!serviceId || d.serviceId === serviceId) &&
        (!status?.in || status.in.includes(d.status)) &&
        !status?.notIn?.includes(d.status)
      return connection(state.deployments.toReversed().map(view.deployment), page, wanted)
    },
    deploymentLogs({ deploymentId, filter, limit, startDate, endDate }: LogsArgs) {
      const d = find.deployment(deploymentId)
      const wanted = ({ at, message }: StoredLine) =>
        (!filter || message.includes(filter)) &&
        (!startDate || at >= new Date(startDate)) &&
        (!endDate || at <= new Date(endDate))
      // One more than was asked for, as Railway does.
      return running
        .logsOf(d)
        .filter(wanted)
        .slice(-((limit ?? 100) + 1))
        .map((line) => presentLine(d, line))
    },
  }
}

function sortProjects(projects: Project[], orderBy: 'CREATED_AT_DESC' | 'NAME_ASC' | 'UPDATED_AT_DESC'): Project[] {
  // Newest first by position: two may be created within the same millisecond.
  const newestFirst = projects.toReversed()
  if (orderBy === 'NAME_ASC') return newestFirst.toSorted((a, b) => a.name.localeCompare(b.name))
  if (orderBy === 'UPDATED_AT_DESC') return newestFirst.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt))
  return newestFirst
}

function presentLine(d: Deployment, { at, severity, message }: StoredLine) {
  const { id: deploymentId, projectId, environmentId, serviceId } = d
  return {
    timestamp: at.toISOString().replace('Z', '000000Z'),
    severity,
    message,
    attributes: [{ key: 'level', value: severity }],
    tags: { deploymentId, deploymentInstanceId: d.instance?.id ?? null, projectId, environmentId, serviceId },
  }
}
