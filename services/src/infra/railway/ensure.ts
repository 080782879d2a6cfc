import { GATE_PATIENCE, RAILWAY_MUTATION } from '../../limits.ts'
import { isKind, ProviderError } from '../errors.ts'
import type { InfraProvider, Place, PlaceRequest, PlaceStep } from '../provider.ts'
import type { RailwayClient } from './client.ts'
import * as op from './operations.ts'
import { idsOf, placeOf } from './place.ts'

export interface EnsureOptions {
  workspaceId: string
  /** The name of each project's only environment. */
  environment: string
  /** A workspace may create one project in so long. */
  projectIntervalMs: number
  /** Null: where the workspace prefers. */
  region: string | null
}

/** Railway's order: a project with its environment, an empty service, and, before anything is deployed, its volume and its domain. */
export function ensureSteps(call: RailwayClient, options: EnsureOptions, find: InfraProvider['find']): InfraProvider['ensure'] {
  return [project(call, options, find), service(call), volume(call, options), domain(call)]
}

function project(call: RailwayClient, options: EnsureOptions, find: InfraProvider['find']): PlaceStep {
  const { workspaceId, environment, projectIntervalMs } = options
  const yields = ['projectId', 'environmentId']
  return {
    name: 'project',
    yields,
    repeat: 'look',
    oneAtATime: { slot: `railway:project:${workspaceId}`, everyMs: projectIntervalMs, callMs: RAILWAY_MUTATION + GATE_PATIENCE },
    async create({ name, marker }) {
      const { projectCreate: created } = await call(op.ProjectCreate, {
        input: { workspaceId, name, description: marker, defaultEnvironmentName: environment, isPublic: false, prDeploys: false },
      })
      const [first] = created.environments
      if (first) return { projectId: created.id, environmentId: first.id }
      throw new ProviderError(`project ${created.id} came without an environment`, {
        provider: 'railway',
        operation: op.ProjectCreate.name,
        kind: 'transient',
        uncertain: true,
      })
    },
    async find({ marker, since }) {
      const whole = (place: Place) => yields.every((id) => place[id] !== undefined)
      return (await find({ marker, since })).find(whole) ?? null
    },
  }
}

/** Its name is the instance's id, of which a project takes one. Without a source nothing of it is deployed yet. */
function service(call: RailwayClient): PlaceStep {
  const find = async ({ instanceId, place }: PlaceRequest): Promise<Place | null> => {
    const { services } = (await call(op.ProjectGet, { id: idsOf(place, 'projectId').projectId })).project
    const found = services.find(({ name }) => name === instanceId)
    return found ? { serviceId: found.id } : null
  }
  return {
    name: 'service',
    yields: ['serviceId'],
    repeat: 'same',
    oneAtATime: null,
    find,
    async create(p) {
      try {
        const input = { ...idsOf(p.place, 'projectId', 'environmentId'), name: p.instanceId }
        return { serviceId: (await call(op.ServiceCreate, { input })).serviceCreate.id }
      } catch (err) {
        if (!isKind(err, 'conflict')) throw err
        const taken = await find(p)
        if (taken) return taken
        throw new ProviderError('the service of that name does not show yet', {
          provider: 'railway',
          operation: op.ServiceCreate.name,
          kind: 'not_found',
          uncertain: false,
          cause: err,
        })
      }
    },
  }
}

/** Where it is made it stays, so its region is chosen here. */
function volume(call: RailwayClient, { region }: EnsureOptions): PlaceStep {
  return {
    name: 'volume',
    yields: ['volumeId'],
    repeat: 'look',
    oneAtATime: null,
    async create({ place, mountPath }) {
      const ids = idsOf(place, 'projectId', 'environmentId', 'serviceId')
      const input = { ...ids, mountPath, ...(region ? { region } : {}) }
      return { volumeId: (await call(op.VolumeCreate, { input })).volumeCreate.id }
    },
    async find({ place }) {
      const { environmentId, serviceId } = idsOf(place, 'environmentId', 'serviceId')
      const { volumeInstances } = (await call(op.VolumesGet, { id: environmentId })).environment
      const found = volumeInstances.find((v) => v.serviceId === serviceId && !v.isPendingDeletion)
      return found ? { volumeId: found.volumeId } : null
    },
  }
}

/** A second call would make a second one. */
function domain(call: RailwayClient): PlaceStep {
  return {
    name: 'domain',
    yields: ['domainId', 'domain'],
    repeat: 'look',
    oneAtATime: null,
    async create({ place, port }) {
      const input = { ...idsOf(place, 'environmentId', 'serviceId'), targetPort: port }
      const made = (await call(op.ServiceDomainCreate, { input })).serviceDomainCreate
      return { domainId: made.id, domain: made.domain }
    },
    async find({ place }) {
      const [found] = (await call(op.DomainsGet, idsOf(place, 'projectId', 'environmentId', 'serviceId'))).domains.serviceDomains
      return found ? placeOf({ domainId: found.id, domain: found.domain }) : null
    },
  }
}
