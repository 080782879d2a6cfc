import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { applyPatch, mountOf, type AppliedPatch, type EnvironmentConfig } from './config.ts'
import type { Deployments } from './deployments.ts'
import {
  invalidPatch,
  invalidProjectName,
  notAuthorized,
  notFound,
  opaque,
  projectsTooQuickly,
  serviceExists,
  volumesTooQuickly,
  volumeTaken,
} from './errors.ts'
import { finders } from './finders.ts'
import type { InstanceHost } from './hosts/host.ts'
import type { Workspace } from './queries.ts'
import type { Settings } from './settings.ts'
import type { Domain, Environment, Project, RailwayState, Service, Volume } from './state.ts'
import { takeSlot } from './throttle.ts'
import { views } from './views.ts'

const MAX_NAME = 32

interface ProjectInput {
  name?: string | null
  description?: string | null
  isPublic?: boolean | null
  prDeploys?: boolean | null
}

interface Parts {
  state: RailwayState
  workspaces: Workspace[]
  running: Deployments
  host: InstanceHost
  clock: SimClock
  settings: () => Settings
}

/** The fields of `Mutation`. Arguments come checked against the schema; every check and its write happen in one go. */
export function mutations({ state, workspaces, running, host, clock, settings }: Parts) {
  const view = views(state)
  const find = finders(state)
  const now = () => clock.now().toISOString()
  const addresses = () => new Set([...state.services.map((s) => s.address), ...state.domains.map((d) => d.domain)])
  const isDeployed = (service: Service) => state.deployments.some((d) => d.serviceId === service.id)

  /** Takes the patch into the environment; a service without an image has nothing to deploy. */
  function commit(environment: Environment, patch: unknown): Service[] {
    const unknown = Object.keys(servicesIn(patch)).find(
      (id) => !state.services.some((s) => s.id === id && s.environmentId === environment.id),
    )
    if (unknown !== undefined) throw notFound('Service')
    const { config, changed } = applied(environment.config, patch)
    if (changed.length > 0) Object.assign(environment, { updatedAt: now() })
    environment.config = config
    return state.services.filter((s) => changed.includes(s.id) && config.services[s.id]?.source?.image)
  }

  return {
    projectCreate({ input }: { input: ProjectInput & { workspaceId?: string | null; defaultEnvironmentName?: string | null } }) {
      const { workspaceId, name = 'sandbox', defaultEnvironmentName } = input
      if (!workspaceId) throw opaque()
      if (!workspaces.some((w) => w.id === workspaceId)) throw notAuthorized()
      if (!validName(name)) throw invalidProjectName()
      const { projectIntervalMs } = settings()
      if (!takeSlot(state.lastProjectAt, workspaceId, clock.now(), projectIntervalMs))
        throw projectsTooQuickly(projectIntervalMs / 1000)

      const at = { createdAt: now(), updatedAt: now() }
      const project: Project = {
        id: randomUUID(),
        workspaceId,
        name,
        description: input.description ?? '',
        isPublic: input.isPublic ?? false,
        prDeploys: input.prDeploys ?? false,
        ...at,
        deletedAt: null,
      }
      const environmentName = defaultEnvironmentName ?? 'production'
      state.projects.push(project)
      state.environments.push({ id: randomUUID(), projectId: project.id, name: environmentName, ...at, config: { services: {} } })
      return view.project(project)
    },
    projectUpdate({ id, input }: { id: string; input: ProjectInput }) {
      const project = find.project(id)
      const changes = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined))
      if ('name' in changes && !validName(input.name)) throw invalidProjectName()
      return view.project(Object.assign(project, changes, { updatedAt: now() }))
    },
    projectDelete({ id }: { id: string }) {
      find.project(id).deletedAt = now()
      const elsewhere = ({ projectId }: { projectId: string }) => projectId !== id
      running.dropProject(id)
      state.environments = state.environments.filter(elsewhere)
      state.services = state.services.filter(elsewhere)
      state.volumes = state.volumes.filter(elsewhere)
      state.domains = state.domains.filter(elsewhere)
      return true
    },

    async serviceCreate({
      input,
    }: {
      input: { projectId: string; environmentId?: string | null; name?: string | null; icon?: string | null }
    }) {
      const address = await host.allot(addresses())
      const { projectId, environmentId } = environmentOf(find.project(input.projectId), input.environmentId)
      const id = randomUUID()
      const name = input.name ?? `service-${id.slice(0, 4)}`
      if (state.services.some((s) => s.projectId === projectId && s.name === name)) throw serviceExists(name)
      const at = { createdAt: now(), updatedAt: now() }
      const service: Service = {
        id,
        projectId,
        environmentId,
        serviceInstanceId: randomUUID(),
        name,
        icon: input.icon ?? null,
        address,
        ...at,
      }
      state.services.push(service)
      return view.service(service)
    },

    volumeCreate({ input }: { input: VolumeInput }) {
      const project = find.project(input.projectId)
      const { projectId, environmentId } = environmentOf(project, input.environmentId)
      const environment = find.environment(environmentId)
      const service = input.serviceId ? find.service(input.serviceId, environmentId) : null
      if (service && mountOf(environment.config.services[service.id])) throw volumeTaken()
      if (!takeSlot(state.lastVolumeAt, project.workspaceId, clock.now(), settings().volumeIntervalMs)) throw volumesTooQuickly()
      const id = randomUUID()
      const volume: Volume = {
        id,
        volumeInstanceId: randomUUID(),
        projectId,
        environmentId,
        name: `${service?.name ?? id.slice(0, 4)}-volume`,
        mountPath: input.mountPath,
        region: input.region ?? null,
        createdAt: now(),
      }
      state.volumes.push(volume)
      if (service) {
        commit(environment, { services: { [service.id]: { volumeMounts: { [id]: { mountPath: input.mountPath } } } } })
        // Before the first deployment it is simply there at boot; afterwards it costs another one.
        if (isDeployed(service)) running.deploy(service, 'volumeCreate')
      }
      return view.volume(volume)
    },

    async serviceDomainCreate({ input }: { input: { serviceId: string; environmentId: string; targetPort?: number | null } }) {
      const another = await host.allot(addresses())
      const service = find.service(input.serviceId, input.environmentId)
      // The first leads to the process; any further one is an address at which nothing listens.
      const domain: Domain = {
        id: randomUUID(),
        projectId: service.projectId,
        environmentId: service.environmentId,
        serviceId: service.id,
        domain: state.domains.some((d) => d.serviceId === service.id) ? another : service.address,
        targetPort: input.targetPort ?? null,
        createdAt: now(),
      }
      state.domains.push(domain)
      return view.domain(domain)
    },

    environmentPatchCommit({ environmentId, patch }: { environmentId: string; patch?: unknown }) {
      for (const service of commit(find.environment(environmentId), patch ?? {})) {
        running.deploy(service, 'environmentPatchCommit')
      }
      return randomUUID()
    },
    serviceInstanceDeployV2({ serviceId, environmentId }: { serviceId: string; environmentId: string }) {
      const service = find.service(serviceId, environmentId)
      if (!find.environment(environmentId).config.services[serviceId]?.source?.image) throw notFound('Deployment')
      return running.deploy(service, 'serviceInstanceDeployV2').id
    },
    deploymentRestart({ id }: { id: string }) {
      running.restart(find.deployment(id))
      return true
    },
    deploymentStop({ id }: { id: string }) {
      running.stop(find.deployment(id))
      return true
    },
  }

  /** A project has the one environment it was created with. */
  function environmentOf(project: Project, environmentId: string | null | undefined) {
    const environment = state.environments.find((e) => e.projectId === project.id && e.id === (environmentId ?? e.id))
    if (!environment) throw notFound('Environment')
    return { projectId: project.id, environmentId: environment.id }
  }
}

interface VolumeInput {
  projectId: string
  mountPath: string
  environmentId?: string | null
  serviceId?: string | null
  region?: string | null
}

const validName = (name: string | null | undefined): name is string => !!name?.trim() && name.length <= MAX_NAME

const servicesIn = (patch: unknown) =>
  z
    .looseObject({ services: z.record(z.string(), z.unknown()).default({}) })
    .catch({ services: {} })
    .parse(patch).services

function applied(config: EnvironmentConfig, patch: unknown): AppliedPatch {
  try {
    return applyPatch(config, patch)
  } catch (error) {
    throw error instanceof z.ZodError ? invalidPatch(z.prettifyError(error)) : error
  }
}
