import { mountOf, type ServiceConfig } from './config.ts'
import type { Environment, Project, RailwayState, Service, Volume } from './state.ts'

/** A service with everything around it, as it is now. */
export interface Surroundings {
  project: Project
  environment: Environment
  service: Service
  config: ServiceConfig
  /** The service's first domain, if it has one by now. */
  domain: string | null
  /** The volume that is attached by now. */
  volume: Volume | null
}

/** @throws Error when the service belongs to nothing */
export function surroundingsOf(state: RailwayState, service: Service): Surroundings {
  const project = state.projects.find((p) => p.id === service.projectId)
  const environment = state.environments.find((e) => e.id === service.environmentId)
  if (!project || !environment) throw new Error(`service ${service.id} belongs to nothing`)
  const config = environment.config.services[service.id] ?? {}
  const domain = state.domains.find((d) => d.serviceId === service.id)?.domain ?? null
  const volume = state.volumes.find((v) => v.id === mountOf(config)?.volumeId) ?? null
  return { project, environment, service, config, domain, volume }
}

/** What Railway tells of a service: its own variables without sealed ones, and what it adds to them. */
export const serviceVariables = (parts: Surroundings) => ({ ...ownVariables(parts, 'readable'), ...injected(parts) })

/** Everything a deployment starts with. */
export const deploymentVariables = (deploymentId: string, parts: Surroundings): Record<string, string> => ({
  PORT: parts.service.address.split(':').at(-1) ?? '',
  ...ownVariables(parts, 'all'),
  ...injected(parts),
  RAILWAY_DEPLOYMENT_ID: deploymentId,
  RAILWAY_REPLICA_ID: parts.service.serviceInstanceId,
  RAILWAY_REPLICA_REGION: 'local',
})

function ownVariables({ config }: Surroundings, which: 'all' | 'readable'): Record<string, string> {
  const shown = Object.entries(config.variables ?? {}).flatMap(([name, { value, isSealed }]) =>
    value === undefined || (isSealed && which === 'readable') ? [] : [[name, value]],
  )
  return Object.fromEntries(shown) as Record<string, string>
}

function injected({ project, environment, service, config, domain, volume }: Surroundings): Record<string, string> {
  const mount = mountOf(config)
  return {
    RAILWAY_PROJECT_ID: project.id,
    RAILWAY_PROJECT_NAME: project.name,
    RAILWAY_ENVIRONMENT_ID: environment.id,
    RAILWAY_ENVIRONMENT_NAME: environment.name,
    RAILWAY_SERVICE_ID: service.id,
    RAILWAY_SERVICE_NAME: service.name,
    RAILWAY_PRIVATE_DOMAIN: `${service.name}.railway.internal`,
    ...(domain !== null && { RAILWAY_PUBLIC_DOMAIN: domain }),
    ...(volume && mount && { RAILWAY_VOLUME_NAME: volume.name, RAILWAY_VOLUME_MOUNT_PATH: mount.mountPath }),
  }
}
