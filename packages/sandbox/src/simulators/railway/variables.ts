import { mountOf, type ServiceConfig } from './config.ts'
import type { Environment, Project, Service, Volume } from './state.ts'

interface Parts {
  deploymentId: string
  project: Project
  environment: Environment
  service: Service
  config: ServiceConfig
  /** The service's first domain, if it has one by now. */
  domain: string | null
  /** The volume that is attached by now. */
  volume: Volume | null
}

/** Everything a deployment starts with: the service's own variables, and what Railway adds to them. */
export function deploymentVariables(parts: Parts): Record<string, string> {
  const { deploymentId, project, environment, service, config, domain, volume } = parts
  const own = Object.entries(config.variables ?? {}).flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value]]))
  const mount = mountOf(config)
  return {
    PORT: service.address.split(':').at(-1) ?? '',
    ...(Object.fromEntries(own) as Record<string, string>),
    RAILWAY_PROJECT_ID: project.id,
    RAILWAY_PROJECT_NAME: project.name,
    RAILWAY_ENVIRONMENT_ID: environment.id,
    RAILWAY_ENVIRONMENT_NAME: environment.name,
    RAILWAY_SERVICE_ID: service.id,
    RAILWAY_SERVICE_NAME: service.name,
    RAILWAY_DEPLOYMENT_ID: deploymentId,
    RAILWAY_REPLICA_ID: service.serviceInstanceId,
    RAILWAY_REPLICA_REGION: 'local',
    RAILWAY_PRIVATE_DOMAIN: `${service.name}.railway.internal`,
    ...(domain !== null && { RAILWAY_PUBLIC_DOMAIN: domain }),
    ...(volume && mount && { RAILWAY_VOLUME_NAME: volume.name, RAILWAY_VOLUME_MOUNT_PATH: mount.mountPath }),
  }
}
