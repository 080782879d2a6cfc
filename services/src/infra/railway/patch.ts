import type { DesiredState } from '../provider.ts'

export interface PatchTarget {
  serviceId: string
  volumeId: string
  desired: DesiredState
  removedVariables: string[]
  /** Where the service is now; Railway puts a new one where the workspace prefers. */
  regions: string[]
  registryCredentials: { username: string; password: string } | null
}

/** The environment patch that makes one service what is desired; the same input is the same patch, which Railway ignores when repeated. */
export function environmentPatch({ serviceId, volumeId, desired, removedVariables, regions, registryCredentials }: PatchTarget) {
  const { image, startCommand, healthcheck, limits, region, env, mountPath } = desired
  return {
    services: {
      [serviceId]: {
        source: { image, autoUpdates: { type: 'disabled' } },
        deploy: {
          ...(registryCredentials ? { registryCredentials } : {}),
          startCommand,
          healthcheckPath: healthcheck.path,
          healthcheckTimeout: healthcheck.timeoutSeconds,
          restartPolicyType: 'ON_FAILURE',
          restartPolicyMaxRetries: 10,
          sleepApplication: false,
          numReplicas: 1,
          ...(region ? { multiRegionConfig: { ...deleted(regions), [region]: { numReplicas: 1 } } } : {}),
          ...(limits ? { limitOverride: { containers: limits } } : {}),
        },
        variables: {
          ...deleted(removedVariables),
          ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { value }])),
        },
        volumeMounts: { [volumeId]: { mountPath } },
      },
    },
  }
}

/** Patches merge: what is in none of them stays, and only null takes it away. */
const deleted = (names: string[]): Record<string, null> => Object.fromEntries(names.map((name) => [name, null]))
