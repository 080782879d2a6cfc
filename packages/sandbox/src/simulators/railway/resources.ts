import { instanceIdInMarker } from '../core/simulator.ts'
import { mounterOf } from './config.ts'
import type { Deployments } from './deployments.ts'
import type { RailwayState } from './state.ts'

/** What exists now, one entry per project, for tests that compare it with what should. */
export function railwayResources(state: RailwayState, running: Deployments) {
  const environments = within(state.environments)
  const services = within(state.services)
  const volumes = within(state.volumes)
  const domains = within(state.domains)
  const deployments = within(state.deployments)
  return {
    projects: state.projects
      .filter((p) => p.deletedAt === null)
      .map((p) => ({
        id: p.id,
        name: p.name,
        instanceId: instanceIdInMarker(p.description),
        createdAt: p.createdAt,
        services: services(p.id).map(({ id, name }) => ({ id, name })),
        volumes: volumes(p.id).map(({ id, environmentId, mountPath }) => {
          const { config } = environments(p.id).find((e) => e.id === environmentId) ?? {}
          return { id, mountPath: mounterOf(config, id)?.mountPath ?? mountPath }
        }),
        domains: domains(p.id).map(({ id, domain }) => ({ id, domain })),
        deployments: deployments(p.id).map((d) => ({
          id: d.id,
          status: d.status,
          image: d.image,
          variables: d.variables,
          volumeMounted: d.volumeId !== null,
          domain: d.domain,
          pid: running.pidOf(d),
        })),
      })),
  }
}

/** The items of a project, grouped once: there may be thousands of projects. */
function within<T extends { projectId: string }>(list: T[]): (projectId: string) => T[] {
  const groups = Map.groupBy(list, ({ projectId }) => projectId)
  return (projectId) => groups.get(projectId) ?? []
}
