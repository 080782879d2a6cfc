import { randomUUID } from 'node:crypto'
import { ProviderError } from '../../src/infra/errors.ts'
import type {
  DeploymentVerdict,
  DesiredState,
  InfraProvider,
  LogLine,
  Place,
  PlaceOf,
  PlaceRequest,
  PlaceStatus,
  PlaceStep,
} from '../../src/infra/provider.ts'

export interface FakeProject {
  projectId: string
  environmentId: string
  name: string
  marker: string
  createdAt: Date
  deleted: boolean
  services: { id: string; name: string }[]
  volumes: string[]
  domains: string[]
  applied: DesiredState[]
  /** What was in place when each deployment began. */
  deployments: FakeDeployment[]
}

export interface FakeDeployment {
  id: string
  desired: DesiredState
  volumes: string[]
  domains: string[]
  verdict: DeploymentVerdict
  starts: number
  lines: LogLine[]
}

export interface FakeInfra {
  provider: InfraProvider
  projects: FakeProject[]
  live(): FakeProject[]
  /** A patch starts no deployment while this is false. */
  autoDeploy: boolean
}

/** A provider as far as its callers can tell, in memory. */
export function fakeInfra(domainOf: (project: FakeProject) => string, p: { everyMs?: number } = {}): FakeInfra {
  const projects: FakeProject[] = []
  const live = () => projects.filter((project) => !project.deleted)
  const at = ({ projectId }: Place) => {
    const project = live().find((candidate) => candidate.projectId === projectId)
    if (!project) throw missing('project')
    return project
  }
  const deployment = (id: string) => {
    const found = live()
      .flatMap((project) => project.deployments)
      .find((candidate) => candidate.id === id)
    if (!found) throw missing('deployment')
    return found
  }
  const withMarker = (marker: string) => live().filter((project) => project.marker === marker)

  const fake: FakeInfra = {
    projects,
    live,
    autoDeploy: true,
    provider: {
      name: 'fake',
      ensure: [
        {
          ...step('project', ['projectId', 'environmentId'], 'look'),
          oneAtATime: { slot: 'fake:project', everyMs: p.everyMs ?? 0, callMs: 60_000 },
          async create({ name, marker }) {
            const project = newProject(name, marker)
            projects.push(project)
            return idsOf(project)
          },
          find: async ({ marker }) => withMarker(marker).map(idsOf)[0] ?? null,
        },
        {
          ...step('service', ['serviceId'], 'same'),
          async create({ instanceId, place }) {
            const { services } = at(place)
            const known = services.find(({ name }) => name === instanceId)
            if (known) return { serviceId: known.id }
            const id = randomUUID()
            services.push({ id, name: instanceId })
            return { serviceId: id }
          },
          async find({ instanceId, place }) {
            const known = at(place).services.find(({ name }) => name === instanceId)
            return known ? { serviceId: known.id } : null
          },
        },
        inside('volume', ['volumeId'], {
          add: (project) => void project.volumes.push(randomUUID()),
          first: ({ volumes: [volumeId] }) => (volumeId === undefined ? null : { volumeId }),
        }),
        inside('domain', ['domainId', 'domain'], {
          add: (project) => void project.domains.push(domainOf(project)),
          first: ({ domains: [domain] }) => (domain === undefined ? null : { domainId: `id of ${domain}`, domain }),
        }),
      ],

      find: async ({ marker }) => withMarker(marker).map(idsOf),
      list: async () =>
        live()
          .filter(({ marker }) => /^convos:[^:]+:[^:]+:[a-z0-9]{12}$/.test(marker))
          .map((project) => ({ ...project, place: idsOf(project) })),
      async inspect({ projectId }) {
        const project = live().find((candidate) => candidate.projectId === projectId)
        if (!project) return null
        const desired = project.applied.at(-1)
        return {
          domain: project.domains[0] ?? null,
          image: desired?.image ?? null,
          deploymentId: project.deployments.at(-1)?.id ?? null,
          variables: desired?.env ?? {},
        }
      },

      async patch(place, { desired }) {
        const project = at(place)
        const same = JSON.stringify(project.applied.at(-1)) === JSON.stringify(desired)
        project.applied.push(desired)
        if (!same && fake.autoDeploy) deploy(project)
      },
      redeploy: async (place) => deploy(at(place)),
      async restart(_place, deploymentId) {
        deployment(deploymentId).starts++
      },
      async rename(place, name) {
        at(place).name = name
      },
      status: async (places) => new Map(places.flatMap((asked) => answerFor(live(), asked))),
      statusBatch: 25,
      logs: async (deploymentId, { limit }) => deployment(deploymentId).lines.slice(-limit),

      async drop({ projectId }) {
        const project = live().find((candidate) => candidate.projectId === projectId)
        if (project) project.deleted = true
      },
      gone: async ({ projectId }) => !live().some((project) => project.projectId === projectId),

      checkpoints: null,
    },
  }
  return fake

  /** What a second call would make a second one of. */
  function inside(
    name: string,
    yields: string[],
    of: { add(project: FakeProject): void; first(project: FakeProject): Place | null },
  ): PlaceStep {
    const find = async ({ place }: PlaceRequest) => of.first(at(place))
    return {
      ...step(name, yields, 'look'),
      async create(request) {
        of.add(at(request.place))
        return (await find(request)) ?? {}
      },
      find,
    }
  }
}

const step = (name: string, yields: string[], repeat: PlaceStep['repeat']) => ({ name, yields, repeat, oneAtATime: null })

const idsOf = ({ projectId, environmentId }: FakeProject): Place => ({ projectId, environmentId })

const newProject = (name: string, marker: string): FakeProject => ({
  projectId: randomUUID(),
  environmentId: randomUUID(),
  name,
  marker,
  createdAt: new Date(),
  deleted: false,
  services: [],
  volumes: [],
  domains: [],
  applied: [],
  deployments: [],
})

function deploy(project: FakeProject): string {
  const desired = project.applied.at(-1)
  if (!desired) throw new Error('nothing to deploy')
  const id = randomUUID()
  const lines = ['pulled', 'created', 'started'].map((message) => ({ at: new Date().toISOString(), severity: 'info', message }))
  const { volumes, domains } = project
  project.deployments.push({ id, desired, volumes: [...volumes], domains: [...domains], verdict: 'rising', starts: 1, lines })
  return id
}

function answerFor(projects: FakeProject[], { instanceId, place }: PlaceOf): [string, PlaceStatus][] {
  const project = projects.find(({ projectId }) => projectId === place['projectId'])
  if (!project) return []
  const latest = project.deployments.at(-1)
  const deployment = latest ? { id: latest.id, verdict: latest.verdict, image: latest.desired.image } : null
  return [[instanceId, { deleted: false, deployment }]]
}

const missing = (what: string) =>
  new ProviderError(`no such ${what}`, { provider: 'fake', operation: 'get', kind: 'not_found', uncertain: false })
