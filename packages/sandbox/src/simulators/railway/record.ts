import { randomUUID } from 'node:crypto'
import { instanceIdInMarker } from '../core/simulator.ts'
import type { Deployment, RailwayState, Service } from './state.ts'
import { deploymentVariables, surroundingsOf } from './variables.ts'

/** A new deployment of a service: all that it is made of, fixed at this moment. */
export function recordDeployment(state: RailwayState, service: Service, at: string): Deployment {
  const { id: serviceId, projectId, environmentId, address } = service
  const around = surroundingsOf(state, service)
  const { project, config, volume, domain } = around
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
    variables: deploymentVariables(id, around),
    volumeId: volume?.id ?? null,
    domain,
    address,
    instanceId: instanceIdInMarker(project.description),
    fate: null,
  }
}
