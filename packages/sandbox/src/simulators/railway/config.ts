import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

const JsonObject = z.record(z.string(), z.json())
type JsonObject = z.infer<typeof JsonObject>

const Variable = z.looseObject({ value: z.string().optional(), isSealed: z.boolean().optional() })

export const DeployConfig = z.looseObject({
  startCommand: z.string().optional(),
  healthcheckPath: z.string().optional(),
  /** Seconds. */
  healthcheckTimeout: z.int().positive().optional(),
  restartPolicyType: z.enum(['ALWAYS', 'NEVER', 'ON_FAILURE']).optional(),
  restartPolicyMaxRetries: z.int().min(0).optional(),
  sleepApplication: z.boolean().optional(),
  numReplicas: z.int().positive().optional(),
  registryCredentials: z.looseObject({ username: z.string(), password: z.string() }).optional(),
})
export type DeployConfig = z.infer<typeof DeployConfig>

const ServiceConfig = z.looseObject({
  source: z.looseObject({ image: z.string().optional() }).optional(),
  deploy: DeployConfig.optional(),
  variables: z.record(z.string(), Variable).optional(),
  volumeMounts: z.record(z.string(), z.looseObject({ mountPath: z.string() })).optional(),
})
export type ServiceConfig = z.infer<typeof ServiceConfig>

export const EnvironmentConfig = z.looseObject({ services: z.record(z.string(), ServiceConfig).default({}) })
export type EnvironmentConfig = z.infer<typeof EnvironmentConfig>

const Patch = z.looseObject({ services: z.record(z.string(), JsonObject).optional() })

/** Keys that Railway leaves as they are when a patch says null. */
const NULL_IGNORED = new Set(['drainingSeconds', 'overlapSeconds', 'watchPatterns', 'buildEnvironment'])

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Objects merge key by key, null deletes, anything else (lists too) replaces; what the patch leaves out stays. */
export function mergePatch(base: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(base) ? { ...base } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      if (!NULL_IGNORED.has(key)) delete merged[key]
    } else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

export interface AppliedPatch {
  config: EnvironmentConfig
  /** Services whose own part is different now: each gets one deployment. */
  changed: string[]
}

/** The config after the patch; throws a ZodError when the patch or its result makes no sense. */
export function applyPatch(config: EnvironmentConfig, patch: unknown): AppliedPatch {
  const { services = {} } = Patch.parse(patch)
  const next = EnvironmentConfig.parse(mergePatch(config, patch))
  const changed = Object.keys(services).filter((id) => !isDeepStrictEqual(config.services[id] ?? {}, next.services[id] ?? {}))
  return { config: next, changed }
}

/** What a reader gets to see: registry credentials never, variables only decrypted, sealed ones not even then. */
export function maskConfig(config: EnvironmentConfig, decryptVariables: boolean): EnvironmentConfig {
  const services = Object.entries(config.services).map(([id, service]) => [id, maskService(service, decryptVariables)])
  return { ...config, services: Object.fromEntries(services) as EnvironmentConfig['services'] }
}

const MASK = '*****'

function maskService(service: ServiceConfig, decryptVariables: boolean): ServiceConfig {
  const { deploy, variables } = service
  const masked = { ...service }
  if (deploy?.registryCredentials) masked.deploy = { ...deploy, registryCredentials: { username: MASK, password: MASK } }
  if (variables) {
    masked.variables = Object.fromEntries(
      Object.entries(variables).map(([name, variable]) => {
        const hidden = variable.isSealed === true || !decryptVariables
        return [name, hidden ? { ...variable, value: MASK } : variable]
      }),
    )
  }
  return masked
}

/** Which service mounts a volume, and where; null while none does. */
export function mounterOf(
  config: EnvironmentConfig | undefined,
  volumeId: string,
): { serviceId: string; mountPath: string } | null {
  for (const [serviceId, service] of Object.entries(config?.services ?? {})) {
    const mount = mountOf(service)
    if (mount?.volumeId === volumeId) return { serviceId, mountPath: mount.mountPath }
  }
  return null
}

/** The volume that a service mounts: there can be only one. */
export function mountOf(service: ServiceConfig | undefined): { volumeId: string; mountPath: string } | null {
  const [volumeId, mount] = Object.entries(service?.volumeMounts ?? {})[0] ?? []
  return volumeId !== undefined && mount ? { volumeId, mountPath: mount.mountPath } : null
}
