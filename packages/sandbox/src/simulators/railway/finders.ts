import { notFound } from './errors.ts'
import type { RailwayState } from './state.ts'

/** The live thing with this id, or Railway's "… not found". */
export function finders(state: RailwayState) {
  const byId = <T extends { id: string }>(list: T[], id: string, what: Parameters<typeof notFound>[0]): T => {
    const found = list.find((item) => item.id === id)
    if (!found) throw notFound(what)
    return found
  }
  const project = (id: string) =>
    byId(
      state.projects.filter((p) => p.deletedAt === null),
      id,
      'Project',
    )
  return {
    project,
    environment: (id: string) => byId(state.environments, id, 'Environment'),
    deployment: (id: string) => byId(state.deployments, id, 'Deployment'),
    /** A service within an environment: Railway tells the pair, not the service alone. */
    service(id: string, environmentId: string) {
      const service = byId(state.services, id, 'Service')
      if (service.environmentId !== environmentId) throw notFound('Environment')
      return service
    },
  }
}
