import type { DesiredState } from '../instance/desired.ts'

/** Where instances live. One project per instance; every verb may be called twice; nothing is retried inside. */
export interface InfraProvider {
  /** Not idempotent, and throttled per workspace: look before you call it again. */
  createProject(p: { name: string; marker: string; environment: string }): Promise<ProjectRef>
  /** Live projects that carry exactly this marker, oldest first; looks back to `since`. Lists lag behind creations and deletions. */
  findProjects(p: { marker: string; since: Date }): Promise<FoundProject[]>
  /** "Gone already" is success; success means accepted, see `projectGone`. */
  deleteProject(projectId: string): Promise<void>
  /** True only when the provider says so: not being able to see it proves nothing. */
  projectGone(projectId: string): Promise<boolean>

  /** Creates an empty service, or returns the one of that name. */
  ensureService(p: { projectId: string; environmentId: string; name: string }): Promise<string>
  createVolume(p: ServiceRef & { mountPath: string; region: string | null }): Promise<string>
  findVolume(p: ServiceRef): Promise<string | null>
  createDomain(p: ServiceRef & { targetPort: number }): Promise<DomainRef>
  findDomain(p: ServiceRef): Promise<DomainRef | null>

  /** Commits the whole desired state; what differs from the present one starts one deployment, no difference is a no-op. */
  apply(p: ServiceRef & { volumeId: string; desired: DesiredState }): Promise<void>
  /** Deploys the present configuration explicitly. */
  deploy(p: ServiceRef): Promise<string>
  /** One request; ids that cannot be seen are missing from the answer, which proves nothing about them. */
  latestDeployments(projectIds: string[]): Promise<Map<string, LatestDeployment>>
}

export interface ProjectRef {
  projectId: string
  environmentId: string
}
/** One whose creation broke off may have no environment. */
export interface FoundProject {
  projectId: string
  environmentId: string | null
}
export interface ServiceRef extends ProjectRef {
  serviceId: string
}
export interface DomainRef {
  domainId: string
  domain: string
}

export interface LatestDeployment {
  /** The provider says that the project was deleted. */
  projectDeleted: boolean
  deployment: { id: string; verdict: DeploymentVerdict } | null
}

/** `rising`: on its way; `failed`: will not come up by itself; `asleep`: not dead, a request wakes it. */
export type DeploymentVerdict = 'rising' | 'up' | 'down' | 'asleep' | 'failed' | 'removed'
