import { randomUUID } from 'node:crypto'
import { mountOf } from './config.ts'
import type { Deployment, RailwayState, Service } from './state.ts'
import { deploymentVariables } from './variables.ts'

/** A new deployment of a service: all that it is made of, fixed at this moment. */
export function recordDeployment(state: RailwayState, service: Service, at: string): Deployment {
  const { id: serviceId, projectId, environmentId, address } = service
  const project = state.projects.find((p) => p.id === projectId)
  const environment = state.environments.find((e) => e.id === environmentId)
  if (!project || !environment) throw new Error(`service ${serviceId} belongs to nothing`)
  const config = environment.config.services[serviceId] ?? {}
  const domain = state.domains.find((d) => d.serviceId === serviceId)?.domain ?? null
  const volume = state.volumes.find((v) => v.id === mountOf(config)?.volumeId) ?? null
  const id = randomUUID()
  return {
    id,
    projectId,
    environmentId,
    serviceId,
    status: 'INITIALIZING',
    statusUpdatedAt: at,
    stopped: true,
    instance: null,
    createdAt: at,
    updatedAt: at,
    image: config.source?.image ?? '',
    deploy: config.deploy ?? {},
    variables: deploymentVariables({ deploymentId: id, project, environment, service, config, domain, volume }),
    volumeId: volume?.id ?? null,
    domain,
    address,
  }
}
