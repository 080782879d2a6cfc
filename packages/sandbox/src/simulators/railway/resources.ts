import { instanceIdInMarker } from '../core/simulator.ts'
import type { Deployments } from './deployments.ts'
import type { RailwayState } from './state.ts'
import { views } from './views.ts'

/** What exists now, one entry per project, for tests that compare it with what should. */
export function railwayResources(state: RailwayState, running: Deployments) {
  const { environment } = views(state)
  return {
    projects: state.projects
      .filter((p) => p.deletedAt === null)
      .map((p) => {
        const within = <T extends { projectId: string }>(list: T[]) => list.filter((item) => item.projectId === p.id)
        return {
          id: p.id,
          name: p.name,
          instanceId: instanceIdInMarker(p.description),
          createdAt: p.createdAt,
          services: within(state.services).map(({ id, name }) => ({ id, name })),
          volumes: within(state.environments).flatMap((e) =>
            environment(e)
              .volumeInstances({})
              .edges.map(({ node }) => ({ id: node.volumeId, mountPath: node.mountPath })),
          ),
          domains: within(state.domains).map(({ id, domain }) => ({ id, domain })),
          deployments: within(state.deployments).map((d) => ({
            id: d.id,
            status: d.status,
            image: d.image,
            variables: d.variables,
            volumeMounted: d.volumeId !== null,
            domain: d.domain,
            pid: running.pidOf(d),
          })),
        }
      }),
  }
}
