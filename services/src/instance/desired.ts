import type { Config } from '../config.ts'
import { OPENROUTER_API_URL } from '../config.ts'
import type { DesiredState } from '../infra/provider.ts'

export const INSTANCE_PORT = 8080
export const MOUNT_PATH = '/data'

/** The provider runs it without a shell, in place of the image's entry point. */
const START_COMMAND = `sh -c 'exec /app/scripts/entrypoint.sh'`
const BOOT_TIMEOUT_SECONDS = 300
/** A volume belongs to root: the image's start hands it over to its own user, and then gives root up. */
const RUN_UID = '0'

interface InstanceSecrets {
  gatewayToken: string
  controlToken: string
  servicesToken: string
  setupPassword: string
}

export interface InstanceEnvInput {
  instanceId: string
  secrets: InstanceSecrets
  /** What its tools give it. */
  toolEnv: Record<string, string>
  config: Pick<Config, 'instance' | 'publicUrl'>
}

/** All variables of an instance: its own secrets and addresses, never one that another instance or a service of ours has. */
export function instanceEnv({ instanceId, secrets, toolEnv, config }: InstanceEnvInput): Record<string, string> {
  const { instance, publicUrl } = config
  return {
    ...instance.extraEnv,
    ...toolEnv,
    INSTANCE_ID: instanceId,
    INSTANCE_CONTROL_TOKEN: secrets.controlToken,
    INSTANCE_SERVICES_TOKEN: secrets.servicesToken,
    OPENCLAW_GATEWAY_TOKEN: secrets.gatewayToken,
    SETUP_PASSWORD: secrets.setupPassword,
    XMTP_ENV: instance.xmtpEnv,
    PORT: String(INSTANCE_PORT),
    RAILWAY_RUN_UID: RUN_UID,
    ...(publicUrl ? { SERVICES_URL: publicUrl } : {}),
    ...(instance.primaryModel ? { OPENCLAW_PRIMARY_MODEL: instance.primaryModel } : {}),
    ...(instance.anthropicKeyOverride ? { ANTHROPIC_API_KEY: instance.anthropicKeyOverride } : {}),
    ...(instance.openrouterUrl === OPENROUTER_API_URL ? {} : { OPENROUTER_API_URL: instance.openrouterUrl }),
  }
}

/** The whole desired state of an instance; the same input is the same state. */
export function desiredState(p: { image: string; env: Record<string, string>; config: Config }): DesiredState {
  const { cpu, memoryMb } = p.config.instance
  const limits = {
    ...(cpu === null ? {} : { cpu }),
    ...(memoryMb === null ? {} : { memoryBytes: memoryMb * 1024 * 1024 }),
  }
  return {
    image: p.image,
    startCommand: START_COMMAND,
    healthcheck: { path: '/pool/health', timeoutSeconds: BOOT_TIMEOUT_SECONDS },
    limits: Object.keys(limits).length > 0 ? limits : null,
    region: p.config.railway.region,
    mountPath: MOUNT_PATH,
    env: p.env,
  }
}
