import { readFileSync } from 'node:fs'
import { z } from 'zod'

export interface Operation<S extends z.ZodType = z.ZodType> {
  name: string
  text: string
  mutation: boolean
  /** It carries secrets, which a refusal may repeat. */
  confidential: boolean
  /** The shape of its data. */
  data: S
}

/** Each document stands in a file of its operation's name, read once at start. */
function operation<S extends z.ZodType>(name: string, data: S): Operation<S> {
  const text = readFileSync(new URL(`./${name}.graphql`, import.meta.url), 'utf8')
  return { name, text, mutation: /^mutation /m.test(text), confidential: false, data }
}

const connection = <S extends z.ZodType>(node: S) =>
  z
    .object({ edges: z.array(z.object({ node })) })
    .transform(({ edges }) => edges.map((edge) => (edge as { node: z.output<S> }).node))

const Named = z.object({ id: z.string(), name: z.string() })
const ServiceDomain = z.object({ id: z.string(), domain: z.string() })
const Accepted = z.boolean()

export const ProjectCreate = operation(
  'ProjectCreate',
  z.object({ projectCreate: z.object({ id: z.string(), environments: connection(Named) }) }),
)

const ListedProject = z.object({
  id: z.string(),
  description: z.string().nullable(),
  createdAt: z.coerce.date(),
  deletedAt: z.string().nullable(),
  environments: connection(Named),
})
const PageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() })

export const ProjectsPage = operation(
  'ProjectsPage',
  z.object({ projects: z.object({ edges: z.array(z.object({ node: ListedProject })), pageInfo: PageInfo }) }),
)

export const ProjectGet = operation(
  'ProjectGet',
  z.object({ project: z.object({ id: z.string(), deletedAt: z.string().nullable(), services: connection(Named) }) }),
)

export const ProjectDelete = operation('ProjectDelete', z.object({ projectDelete: Accepted }))

export const ServiceCreate = operation('ServiceCreate', z.object({ serviceCreate: z.object({ id: z.string() }) }))

export const VolumeCreate = operation('VolumeCreate', z.object({ volumeCreate: z.object({ id: z.string() }) }))

export const VolumesGet = operation(
  'VolumesGet',
  z.object({
    environment: z.object({
      volumeInstances: connection(
        z.object({ volumeId: z.string(), serviceId: z.string().nullable(), isPendingDeletion: z.boolean() }),
      ),
    }),
  }),
)

export const ServiceDomainCreate = operation('ServiceDomainCreate', z.object({ serviceDomainCreate: ServiceDomain }))

export const DomainsGet = operation('DomainsGet', z.object({ domains: z.object({ serviceDomains: z.array(ServiceDomain) }) }))

export const EnvironmentPatchCommit = {
  ...operation('EnvironmentPatchCommit', z.object({ environmentPatchCommit: z.string() })),
  confidential: true,
}

export const ServiceInstanceDeployV2 = operation('ServiceInstanceDeployV2', z.object({ serviceInstanceDeployV2: z.string() }))

const LatestDeployment = z.object({
  id: z.string(),
  // a status this version does not know reads as one on its way
  status: z.string(),
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

export const OPERATIONS: Operation[] = [
  ProjectCreate,
  ProjectsPage,
  ProjectGet,
  ProjectDelete,
  ServiceCreate,
  VolumeCreate,
  VolumesGet,
  ServiceDomainCreate,
  DomainsGet,
  EnvironmentPatchCommit,
  ServiceInstanceDeployV2,
  ProjectsStatusByIds,
]
