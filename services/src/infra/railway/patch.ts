import type { DesiredState } from '../../instance/desired.ts'

export interface PatchTarget {
  serviceId: string
  volumeId: string
  desired: DesiredState
  registryCredentials: { username: string; password: string } | null
}

/** The environment patch that makes one service what is desired; the same input is the same patch, which Railway ignores when repeated. */
export function environmentPatch({ serviceId, volumeId, desired, registryCredentials }: PatchTarget) {
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
          ...(region ? { multiRegionConfig: { [region]: { numReplicas: 1 } } } : {}),
          ...(limits ? { limitOverride: { containers: limits } } : {}),
        },
        variables: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, { value }])),
        volumeMounts: { [volumeId]: { mountPath } },
      },
    },
  }
}
