import { closeSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { envInt, envSecret, envUrl, readEnv } from '@convos/kit/server'
import { z } from 'zod'
import { letThrough } from './engine/openclaw/environment.ts'

const Env = z
  .object({
    PORT: envInt(0, 65_535).default(8080),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    INSTANCE_ID: z.string(),
    INSTANCE_CONTROL_TOKEN: envSecret,
    OPENCLAW_GATEWAY_TOKEN: envSecret,
    AGENT_ENGINE: z.enum(['openclaw', 'lite']).default('openclaw'),
    RUNTIME_ROOT: z.string().default(fileURLToPath(new URL('../..', import.meta.url))),
    RAILWAY_VOLUME_MOUNT_PATH: z.string().optional(),
    OPENCLAW_STATE_DIR: z.string().optional(),
    CONVOS_BIN: z.string().default('convos'),
    CONVOS_SANDBOX_URL: z.string().optional(),
    XMTP_ENV: z.enum(['local', 'dev', 'production']).default('dev'),
    PATH: z.string(),
    HOME: z.string().optional(),
    OPENROUTER_API_URL: envUrl.default('https://openrouter.ai/api/v1'),
    OPENROUTER_API_KEY: z.string().optional(),
    OPENCLAW_PRIMARY_MODEL: z.string().default('openrouter/auto'),
  })
  .refine((env) => env.RAILWAY_VOLUME_MOUNT_PATH ?? env.OPENCLAW_STATE_DIR, {
    path: ['RAILWAY_VOLUME_MOUNT_PATH'],
    message: 'or OPENCLAW_STATE_DIR is required: state must have a place',
  })
  .refine((env) => env.INSTANCE_CONTROL_TOKEN !== env.OPENCLAW_GATEWAY_TOKEN, {
    path: ['INSTANCE_CONTROL_TOKEN'],
    message: 'must differ from OPENCLAW_GATEWAY_TOKEN',
  })

export interface ModelSettings {
  apiUrl: string
  /** Null: the agent cannot think, and is not ready. */
  apiKey: string | null
  model: string
}

export interface Config {
  port: number
  logLevel: string
  instanceId: string
  controlToken: string
  gatewayToken: string
  engine: 'openclaw' | 'lite'
  /** What starts the gateway, and the environment that it starts with, but for what the engine adds. */
  gatewayScript: string
  gatewayEnv: Record<string, string>
  /** Where all state lies, and within it our own. */
  stateRoot: string
  stateDir: string
  convosBin: string
  /** The whole environment of every child process, but for its CONVOS_HOME. */
  childEnv: Record<string, string>
  model: ModelSettings
}

/** The environment with the control token in it, which `entrypoint.sh` hands over by a pipe: what a process is started with, others can read. */
export function withHandedOver({ INSTANCE_CONTROL_TOKEN_FD: fd, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!fd) return env
  const token = readFileSync(Number(fd), 'utf8').trimEnd()
  closeSync(Number(fd))
  return { ...env, INSTANCE_CONTROL_TOKEN: token }
}

export function readConfig(env: NodeJS.ProcessEnv): Config {
  const e = readEnv(Env, env)
  // the volume wins: only what lies on it survives a redeploy
  const stateRoot = e.RAILWAY_VOLUME_MOUNT_PATH ?? e.OPENCLAW_STATE_DIR ?? ''
  return {
    port: e.PORT,
    logLevel: e.LOG_LEVEL,
    instanceId: e.INSTANCE_ID,
    controlToken: e.INSTANCE_CONTROL_TOKEN,
    gatewayToken: e.OPENCLAW_GATEWAY_TOKEN,
    engine: e.AGENT_ENGINE,
    gatewayScript: join(e.RUNTIME_ROOT, 'scripts', 'gateway.sh'),
    gatewayEnv: letThrough(env),
    stateRoot,
    stateDir: join(stateRoot, 'agent'),
    convosBin: e.CONVOS_BIN,
    childEnv: {
      PATH: e.PATH,
      XMTP_ENV: e.XMTP_ENV,
      CONVOS_ENV: e.XMTP_ENV,
      ...(e.HOME && { HOME: e.HOME }),
      ...(e.CONVOS_SANDBOX_URL && { CONVOS_SANDBOX_URL: e.CONVOS_SANDBOX_URL }),
    },
    model: { apiUrl: e.OPENROUTER_API_URL, apiKey: e.OPENROUTER_API_KEY ?? null, model: e.OPENCLAW_PRIMARY_MODEL },
  }
}

const ModelOverlay = z.object({
  OPENROUTER_API_URL: envUrl.optional().catch(undefined),
  OPENROUTER_API_KEY: z.string().min(1).optional().catch(undefined),
  OPENCLAW_PRIMARY_MODEL: z.string().min(1).optional().catch(undefined),
})

/** The model settings as the overlay leaves them: what was laid over wins, an unusable value does not. */
export function overlaidModel(base: ModelSettings, overlay: Readonly<Record<string, string>>): ModelSettings {
  const over = ModelOverlay.parse(overlay)
  return {
    apiUrl: over.OPENROUTER_API_URL ?? base.apiUrl,
    apiKey: over.OPENROUTER_API_KEY ?? base.apiKey,
    model: over.OPENCLAW_PRIMARY_MODEL ?? base.model,
  }
}
