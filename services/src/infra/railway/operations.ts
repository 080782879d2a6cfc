import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Operations } from './generated/operations.ts'

type Name = keyof Operations

export interface Operation<N extends Name = Name, S extends z.ZodType = z.ZodType> {
  name: N
  /** What its requests are counted as. */
  countedAs: string
  text: string
  mutation: boolean
  /** It carries secrets, which a refusal may repeat. */
  confidential: boolean
  /** The shape of its data. */
  data: S
}

/** Each document stands in a file of its operation's name, read once at start. What Railway's schema lets it answer must be accepted here. */
function operation<N extends Name, S extends z.ZodType>(
  name: N,
  data: Operations[N]['result'] extends z.input<S> ? S : never,
  more: { confidential?: boolean } = {},
): Operation<N, S> {
  const text = readFileSync(new URL(`./${name}.graphql`, import.meta.url), 'utf8')
  return { name, countedAs: name, text, mutation: /^mutation /m.test(text), confidential: more.confidential ?? false, data }
}

const connection = <S extends z.ZodType>(node: S) =>
  z
    .object({ edges: z.array(z.object({ node })) })
    .transform(({ edges }) => edges.map((edge) => (edge as { node: z.output<S> }).node))

const Named = z.object({ id: z.string(), name: z.string() })
const ServiceDomain = z.object({ id: z.string(), domain: z.string() })
const ServiceDomains = z.object({ serviceDomains: z.array(ServiceDomain) })
const VolumeInstance = z.object({ volumeId: z.string(), serviceId: z.string().nullable(), isPendingDeletion: z.boolean() })
const PageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() })
const Accepted = z.boolean()

export const ApiTokenContext = operation('ApiTokenContext', z.object({ apiToken: z.object({ workspaces: z.array(Named) }) }))

export const WorkspaceGet = operation(
  'WorkspaceGet',
  z.object({
    workspace: Named.extend({
      projectCount: z.number(),
      apiTokenRateLimit: z.object({ remainingPoints: z.number(), resetsAt: z.string() }).nullable(),
    }),
  }),
)

export const ProjectCreate = operation(
  'ProjectCreate',
  z.object({ projectCreate: z.object({ id: z.string(), environments: connection(Named) }) }),
)

const ListedProject = z.object({
  id: z.string(),
  description: z.string().nullable(),
  createdAt: z.coerce.date(),
  deletedAt: z.string().nullable(),
})

export const ProjectsPage = operation(
  'ProjectsPage',
  z.object({
    projects: z.object({
      edges: z.array(z.object({ node: ListedProject.extend({ environments: connection(Named) }) })),
      pageInfo: PageInfo,
    }),
  }),
)

const SurveyedProject = ListedProject.extend({
  name: z.string(),
  environments: connection(
    z.object({
      id: z.string(),
      serviceInstances: connection(z.object({ serviceId: z.string(), domains: ServiceDomains })),
      volumeInstances: connection(VolumeInstance),
    }),
  ),
})
export type SurveyedProject = z.output<typeof SurveyedProject>

export const ProjectsSurvey = operation(
  'ProjectsSurvey',
  z.object({ projects: z.object({ edges: z.array(z.object({ node: SurveyedProject })), pageInfo: PageInfo }) }),
)

export const ProjectGet = operation(
  'ProjectGet',
  z.object({ project: z.object({ id: z.string(), deletedAt: z.string().nullable(), services: connection(Named) }) }),
)

export const ProjectUpdate = operation('ProjectUpdate', z.object({ projectUpdate: z.object({ id: z.string() }) }))

export const ProjectDelete = operation('ProjectDelete', z.object({ projectDelete: Accepted }))

export const ServiceCreate = operation('ServiceCreate', z.object({ serviceCreate: z.object({ id: z.string() }) }))

export const ServiceInspect = operation(
  'ServiceInspect',
  z.object({
    serviceInstance: z.object({
      source: z.object({ image: z.string().nullable() }).nullable(),
      domains: ServiceDomains,
      latestDeployment: z.object({ id: z.string() }).nullable(),
    }),
  }),
)

export const VariablesGet = operation('VariablesGet', z.object({ variables: z.record(z.string(), z.string()) }), {
  confidential: true,
})

export const VolumeCreate = operation('VolumeCreate', z.object({ volumeCreate: z.object({ id: z.string() }) }))

export const VolumesGet = operation(
  'VolumesGet',
  z.object({ environment: z.object({ volumeInstances: connection(VolumeInstance) }) }),
)

export const ServiceDomainCreate = operation('ServiceDomainCreate', z.object({ serviceDomainCreate: ServiceDomain }))

export const DomainsGet = operation('DomainsGet', z.object({ domains: ServiceDomains }))

const Region = z.record(z.string(), z.unknown()).nullish()
const ServiceConfig = z.object({ deploy: z.object({ multiRegionConfig: Region }).nullish() })

export const RegionsGet = operation(
  'RegionsGet',
  z.object({
    environment: z.object({ config: z.unknown().pipe(z.object({ services: z.record(z.string(), ServiceConfig).nullish() })) }),
  }),
)

export const EnvironmentPatchCommit = operation('EnvironmentPatchCommit', z.object({ environmentPatchCommit: z.string() }), {
  confidential: true,
})

export const ServiceInstanceDeployV2 = operation('ServiceInstanceDeployV2', z.object({ serviceInstanceDeployV2: z.string() }))

export const DeploymentRestart = operation('DeploymentRestart', z.object({ deploymentRestart: Accepted }))

export const DeploymentLogs = operation(
  'DeploymentLogs',
  z.object({
    deploymentLogs: z.array(z.object({ timestamp: z.string(), severity: z.string().nullable(), message: z.string() })),
  }),
)

const LatestDeployment = z.object({
  id: z.string(),
  // a status this version does not know reads as one on its way
  status: z.string(),
  /** Untyped at Railway, and not always there. */
  meta: z.unknown().pipe(z.object({ image: z.string() }).nullable().catch(null)),
  deploymentStopped: z.boolean(),
  instances: z.array(z.object({ status: z.string() })),
})

export const ProjectsStatusByIds = operation(
  'ProjectsStatusByIds',
  z.object({
    projectsByIds: z.array(
      z.object({
        id: z.string(),
        deletedAt: z.string().nullable(),
        environments: connection(
          z.object({ serviceInstances: connection(z.object({ latestDeployment: LatestDeployment.nullable() })) }),
        ),
      }),
    ),
  }),
)

/** The same, asked at leisure: it has a name of its own because it yields to what somebody waits for. */
export const StatusAtLeisure = { ...ProjectsStatusByIds, countedAs: 'StatusAtLeisure' }

export const OPERATIONS: Operation[] = [
  ApiTokenContext,
  WorkspaceGet,
  ProjectCreate,
  ProjectsPage,
  ProjectsSurvey,
  ProjectGet,
  ProjectUpdate,
  ProjectDelete,
  ServiceCreate,
  ServiceInspect,
  VariablesGet,
  VolumeCreate,
  VolumesGet,
  ServiceDomainCreate,
  DomainsGet,
  RegionsGet,
  EnvironmentPatchCommit,
  ServiceInstanceDeployV2,
  DeploymentRestart,
  DeploymentLogs,
  ProjectsStatusByIds,
]
