import { createHash } from 'node:crypto'
import { maskConfig, mounterOf } from './config.ts'
import { connection, type PageArgs } from './connection.ts'
import { DEFAULT_MAX_RETRIES } from './deployments.ts'
import type { Listed, Reader } from './lag.ts'
import type { Deployment, Domain, Environment, Project, RailwayState, Service, Volume } from './state.ts'

/** State as GraphQL sees it: plain fields, and functions for what takes arguments or leads on to something else. */
export function views(state: RailwayState) {
  const volume = ({ id, name, projectId, createdAt }: Volume) => ({ id, name, projectId, createdAt })
  const service = (s: Service) => ({ ...s, deletedAt: null })

  const domain = (d: Domain) => ({
    ...d,
    suffix: null,
    syncStatus: 'ACTIVE',
    updatedAt: d.createdAt,
    deletedAt: null,
  })
  const domains = (serviceId: string, listed: Listed) => ({
    customDomains: [],
    serviceDomains: listed(state.domains.filter((d) => d.serviceId === serviceId)).map(domain),
  })

  const deployment = (d: Deployment) => ({
    ...d,
    canRedeploy: d.status === 'SUCCESS',
    canRollback: d.status === 'REMOVED',
    deploymentStopped: d.stopped,
    instances: d.instance ? [d.instance] : [],
    meta: deploymentMeta(d),
    staticUrl: d.domain,
    url: d.domain,
  })

  const serviceInstance = (s: Service) => {
    const { source, deploy = {} } = state.environments.find((e) => e.id === s.environmentId)?.config.services[s.id] ?? {}
    const own = state.deployments.filter((d) => d.serviceId === s.id).toReversed()
    return {
      id: s.serviceInstanceId,
      serviceId: s.id,
      serviceName: s.name,
      service: service(s),
      environmentId: s.environmentId,
      createdAt: s.createdAt,
      updatedAt: s.updatedAt,
      deletedAt: null,
      source: source ? { image: source.image ?? null, repo: null } : null,
      startCommand: deploy.startCommand,
      healthcheckPath: deploy.healthcheckPath,
      healthcheckTimeout: deploy.healthcheckTimeout,
      numReplicas: deploy.numReplicas,
      region: null,
      restartPolicyType: deploy.restartPolicyType ?? 'ON_FAILURE',
      restartPolicyMaxRetries: deploy.restartPolicyMaxRetries ?? DEFAULT_MAX_RETRIES,
      sleepApplication: deploy.sleepApplication,
      domains: (_args: object, { listed }: Reader) => domains(s.id, listed),
      latestDeployment: own[0] ? deployment(own[0]) : null,
      activeDeployments: own.filter((d) => d.status === 'SUCCESS' || d.status === 'SLEEPING').map(deployment),
    }
  }

  const volumeInstance = (v: Volume) => {
    const mounted = mounterOf(state.environments.find((e) => e.id === v.environmentId)?.config, v.id)
    return {
      id: v.volumeInstanceId,
      volumeId: v.id,
      volume: volume(v),
      environmentId: v.environmentId,
      serviceId: mounted?.serviceId ?? null,
      mountPath: mounted?.mountPath ?? v.mountPath,
      region: v.region,
      createdAt: v.createdAt,
      deletedAt: null,
      isPendingDeletion: false,
      sizeMB: 5_000,
      currentSizeMB: 0,
      state: 'READY',
    }
  }

  const environment = (e: Environment) => ({
    ...e,
    config: ({ decryptVariables }: { decryptVariables?: boolean | null }) => maskConfig(e.config, decryptVariables === true),
    configEtag: createHash('sha256').update(JSON.stringify(e.config)).digest('hex'),
    deletedAt: null,
    isEphemeral: false,
    // Every commit applies at once; staging is not served.
    unmergedChangesCount: 0,
    serviceInstances: (page: PageArgs) =>
      connection(state.services.filter((s) => s.environmentId === e.id).map(serviceInstance), page),
    volumeInstances: (page: PageArgs, { listed }: Reader) =>
      connection(listed(state.volumes.filter((v) => v.environmentId === e.id)).map(volumeInstance), page),
    deployments: (page: PageArgs) =>
      connection(
        state.deployments
          .filter((d) => d.environmentId === e.id)
          .toReversed()
          .map(deployment),
        page,
      ),
  })

  const project = (p: Project) => {
    const within = <T extends { projectId: string }>(list: T[]) => list.filter((item) => item.projectId === p.id)
    return {
      ...p,
      primaryEnvironmentId: within(state.environments)[0]?.id ?? null,
      environments: (page: PageArgs) => connection(within(state.environments).map(environment), page),
      services: (page: PageArgs, { listed }: Reader) => connection(listed(within(state.services)).map(service), page),
      volumes: (page: PageArgs, { listed }: Reader) => connection(listed(within(state.volumes)).map(volume), page),
    }
  }

  return { volume, service, domain, domains, deployment, serviceInstance, environment, project }
}

function deploymentMeta({ image, deploy }: Deployment) {
  const digest = image.split('@')[1]
  return {
    image,
    ...(digest && { imageDigest: digest }),
    serviceManifest: { deploy: { ...deploy, registryCredentials: undefined } },
  }
}
