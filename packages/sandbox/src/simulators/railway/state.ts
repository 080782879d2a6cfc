import { z } from 'zod'
import { DeploymentFault } from '../core/effects.ts'
import { DeployConfig, EnvironmentConfig } from './config.ts'

export const DeploymentStatus = z.enum([
  'INITIALIZING',
  'DEPLOYING',
  'SUCCESS',
  'SLEEPING',
  'FAILED',
  'CRASHED',
  'REMOVING',
  'REMOVED',
])
export type DeploymentStatus = z.infer<typeof DeploymentStatus>

const InstanceStatus = z.enum(['INITIALIZING', 'CREATED', 'RUNNING', 'RESTARTING', 'EXITED', 'CRASHED', 'REMOVED'])

const Project = z.object({
  id: z.string(),
  workspaceId: z.string(),
  name: z.string(),
  description: z.string(),
  isPublic: z.boolean(),
  prDeploys: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
  /** Deleted projects stay, bare, for `includeDeleted`. */
  deletedAt: z.string().nullable(),
})
export type Project = z.infer<typeof Project>

const Environment = z.object({
  id: z.string(),
  projectId: z.string(),
  name: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  config: EnvironmentConfig,
})
export type Environment = z.infer<typeof Environment>

const Service = z.object({
  id: z.string(),
  projectId: z.string(),
  environmentId: z.string(),
  /** The service within its one environment. */
  serviceInstanceId: z.string(),
  name: z.string(),
  icon: z.string().nullable(),
  /** Where its process listens, for life. */
  address: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type Service = z.infer<typeof Service>

/** Which service mounts it, and where, is said by the environment's config alone. */
const Volume = z.object({
  id: z.string(),
  volumeInstanceId: z.string(),
  projectId: z.string(),
  environmentId: z.string(),
  name: z.string(),
  /** Where it was to be mounted when it was created. */
  mountPath: z.string(),
  region: z.string().nullable(),
  createdAt: z.string(),
})
export type Volume = z.infer<typeof Volume>

const Domain = z.object({
  id: z.string(),
  projectId: z.string(),
  environmentId: z.string(),
  serviceId: z.string(),
  domain: z.string(),
  targetPort: z.int().nullable(),
  createdAt: z.string(),
})
export type Domain = z.infer<typeof Domain>

/** What a deployment was given when it began; later changes of the service do not reach it. */
const Deployment = z.object({
  id: z.string(),
  projectId: z.string(),
  environmentId: z.string(),
  serviceId: z.string(),
  status: DeploymentStatus,
  statusUpdatedAt: z.string(),
  stopped: z.boolean(),
  instance: z.object({ id: z.string(), status: InstanceStatus }).nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  image: z.string(),
  deploy: DeployConfig,
  variables: z.record(z.string(), z.string()),
  volumeId: z.string().nullable(),
  domain: z.string().nullable(),
  address: z.string(),
  /** The agent it belongs to, if our marker says so. */
  instanceId: z.string().nullable().default(null),
  /** What a fault decided as it began, until that has come to pass. */
  fate: DeploymentFault.nullable().default(null),
})
export type Deployment = z.infer<typeof Deployment>

export const RailwayState = z.object({
  /** Oldest first, as are all lists here. */
  projects: z.array(Project),
  environments: z.array(Environment),
  services: z.array(Service),
  volumes: z.array(Volume),
  domains: z.array(Domain),
  deployments: z.array(Deployment),
  /** Simulated time of the last project and the last volume created, per workspace. */
  lastProjectAt: z.record(z.string(), z.number()),
  lastVolumeAt: z.record(z.string(), z.number()).default({}),
})
export type RailwayState = z.infer<typeof RailwayState>

/** Railway with nothing in it. */
export const emptyState = (): RailwayState => ({
  projects: [],
  environments: [],
  services: [],
  volumes: [],
  domains: [],
  deployments: [],
  lastProjectAt: {},
  lastVolumeAt: {},
})

/** A deployment that is still on its way up. */
export const isRising = ({ status }: Deployment) => status === 'INITIALIZING' || status === 'DEPLOYING'
