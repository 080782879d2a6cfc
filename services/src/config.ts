import { EnvVars } from '@convos/agent-server/contract'
import { envInt, envList, envSecret, envSecrets, envUrl, readEnv } from '@convos/kit'
import { z } from 'zod'
import type { EncryptionKey } from './crypto.ts'

export const OPENROUTER_API_URL = 'https://openrouter.ai/api/v1'
const AGENTMAIL_API_URL = 'https://api.agentmail.to/v0'
const TELNYX_API_URL = 'https://api.telnyx.com/v2'
const BANKR_API_URL = 'https://api.bankr.bot'

const Environment = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and dashes')

/** The networks an instance can be on; it would not start on any other. */
const XmtpEnv = z.enum(['local', 'dev', 'production'])

const EncryptionKeys = z.string().transform((text, ctx): [EncryptionKey, ...EncryptionKey[]] => {
  const keys = text.split(',').map((entry): EncryptionKey => {
    const [id = '', ...rest] = entry.trim().split(':')
    return { id, key: Buffer.from(rest.join(':'), 'base64') }
  })
  const usable = keys.every(({ id, key }) => /^[\w-]{1,32}$/.test(id) && key.length === 32)
  const [first, ...others] = keys
  if (usable && first && new Set(keys.map(({ id }) => id)).size === keys.length) return [first, ...others]
  ctx.addIssue({ code: 'custom', message: 'must be keyId:base64 of 32 bytes, newest first, separated by commas, each id once' })
  return z.NEVER
})

const ExtraEnv = z
  .string()
  .transform((text, ctx): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      ctx.addIssue({ code: 'custom', message: 'must be a JSON object' })
      return z.NEVER
    }
  })
  .pipe(EnvVars)
  // Railway would replace it by another variable's value
  .refine((env) => !Object.values(env).some((value) => value.includes('${{')), 'must not hold ${{…}} references')

const Env = z.object({
  PORT: envInt(0, 65_535).default(3002),
  DATABASE_URL: z.string(),
  DATABASE_DIRECT_URL: z.string().optional(),
  PG_PREPARED: z.enum(['on', 'off']).default('on'),
  POOL_ENVIRONMENT: Environment.optional(),
  RAILWAY_ENVIRONMENT_NAME: Environment.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  METRICS_TOKEN: envSecret.optional(),
  SHUTDOWN_DELAY_MS: envInt(0, 30_000).default(0),
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl.optional(),
  RAILWAY_GIT_COMMIT_SHA: z.string().default('unknown'),
  SERVICES_API_KEY: envSecrets,
  PUBLIC_PORT: envInt(0, 65_535).optional(),
  SERVICES_PUBLIC_URL: envUrl.optional(),
  TRUST_PROXY: envInt(0, 10).default(0),
  SERVICES_ENCRYPTION_KEYS: EncryptionKeys,
  RAILWAY_API_TOKEN: z.string(),
  RAILWAY_WORKSPACE_ID: z.string(),
  RAILWAY_API_URL: envUrl.default('https://backboard.railway.com/graphql/v2'),
  RAILWAY_PROJECT_INTERVAL_MS: envInt(0, 600_000).default(31_000),
  RAILWAY_HOURLY_BUDGET: envInt(10, 1_000_000).default(1000),
  RAILWAY_RUNTIME_IMAGE: z
    .string()
    .regex(/^[a-z0-9.:-]+\/[a-z0-9._/-]+:[\w][\w.-]{0,127}$/, 'must be registry/owner/name:tag')
    .optional(),
  RAILWAY_REGION: z.string().optional(),
  GHCR_URL: envUrl.default('https://ghcr.io'),
  GHCR_USERNAME: z.string().optional(),
  GHCR_TOKEN: z.string().optional(),
  INSTANCE_CPU: z.coerce.number().positive().max(64).optional(),
  INSTANCE_MEMORY_MB: envInt(256, 262_144).optional(),
  INSTANCE_URL_TEMPLATE: z
    .string()
    .regex(/^https?:\/\/\{domain\}$/, 'must be http(s)://{domain}')
    .default('https://{domain}'),
  INSTANCE_EXTRA_ENV: ExtraEnv.default({}),
  INSTANCE_OPENCLAW_GATEWAY_TOKEN: envSecret.optional(),
  INSTANCE_ANTHROPIC_API_KEY: z.string().optional(),
  INSTANCE_XMTP_ENV: XmtpEnv.optional(),
  XMTP_ENV: XmtpEnv.default('dev'),
  OPENCLAW_PRIMARY_MODEL: z.string().optional(),
  OPENROUTER_API_URL: envUrl.default(OPENROUTER_API_URL),
  OPENROUTER_MANAGEMENT_KEY: z.string().optional(),
  OPENROUTER_KEY_LIMIT: z.coerce.number().positive().default(20),
  OPENROUTER_KEY_LIMIT_RESET: z.enum(['daily', 'weekly', 'monthly']).default('monthly'),
  AGENTMAIL_API_URL: envUrl.default(AGENTMAIL_API_URL),
  AGENTMAIL_API_KEY: z.string().optional(),
  AGENTMAIL_DOMAIN: z.string().optional(),
  TELNYX_API_URL: envUrl.default(TELNYX_API_URL),
  TELNYX_API_KEY: z.string().optional(),
  TELNYX_MESSAGING_PROFILE_ID: z.string().optional(),
  TELNYX_PUBLIC_KEY: z
    .base64()
    .refine((key) => Buffer.from(key, 'base64').length === 32, 'must be base64 of 32 bytes')
    .optional(),
  SMS_PER_DAY: envInt(0, 100_000).default(100),
  BANKR_API_URL: envUrl.default(BANKR_API_URL),
  BANKR_API_KEY: z.string().optional(),
})

const REPLACED: [name: RegExp, instead: string][] = [
  [/^RAILWAY_SOURCE_/, 'agents run a published image: set RAILWAY_RUNTIME_IMAGE instead'],
  [/^OPENCLAW_GIT_REF$/, 'agents run a published image: choose its tag in RAILWAY_RUNTIME_IMAGE instead'],
]
/** Told to others than pool. */
const OTHERS_SECRETS = ['METRICS_TOKEN', 'INSTANCE_OPENCLAW_GATEWAY_TOKEN']
const OUTSIDE_PRODUCTION = ['INSTANCE_ANTHROPIC_API_KEY', 'INSTANCE_OPENCLAW_GATEWAY_TOKEN']

/** What no single variable can say; it looks at the raw values, so that its faults are told together with all others. */
const Rules = z.record(z.string(), z.string()).transform((env, ctx) => {
  const fault = (name: string, message: string) => ctx.addIssue({ code: 'custom', path: [name], message })
  for (const name of Object.keys(env)) {
    const replaced = REPLACED.find(([pattern]) => pattern.test(name))
    if (replaced) fault(name, `is no longer used; ${replaced[1]}`)
  }
  const { POOL_ENVIRONMENT: ours, RAILWAY_ENVIRONMENT_NAME: railways } = env
  if (!ours && !railways) fault('POOL_ENVIRONMENT', 'is required')
  if (ours && railways && ours !== railways) fault('POOL_ENVIRONMENT', 'must agree with RAILWAY_ENVIRONMENT_NAME')
  if (!env['GHCR_USERNAME'] !== !env['GHCR_TOKEN']) fault('GHCR_TOKEN', 'and GHCR_USERNAME must be set together')
  if ((env['PUBLIC_PORT'] === undefined) !== (env['SERVICES_PUBLIC_URL'] === undefined))
    fault('SERVICES_PUBLIC_URL', 'and PUBLIC_PORT must be set together')
  if (env['PUBLIC_PORT'] !== undefined && env['PUBLIC_PORT'] !== '0' && env['PUBLIC_PORT'] === (env['PORT'] ?? '3002'))
    fault('PUBLIC_PORT', 'must differ from PORT: what is internal must not be reachable there')
  if (env['AGENTMAIL_DOMAIN'] && !env['AGENTMAIL_API_KEY'])
    fault('AGENTMAIL_API_KEY', 'is required where AGENTMAIL_DOMAIN is set')
  for (const name of ['TELNYX_MESSAGING_PROFILE_ID', 'TELNYX_PUBLIC_KEY'])
    if (env[name] && !env['TELNYX_API_KEY']) fault('TELNYX_API_KEY', `is required where ${name} is set`)
  for (const name of OTHERS_SECRETS)
    if (env[name] && envList.safeParse(env['SERVICES_API_KEY']).data?.includes(env[name]))
      fault(name, 'must differ from SERVICES_API_KEY')
  const production = (ours ?? railways) === 'production'
  for (const name of OUTSIDE_PRODUCTION)
    if (production && env[name]) fault(name, 'is shared by all instances and not accepted in production')
  if (!env['OPENROUTER_MANAGEMENT_KEY'] && (production || !env['INSTANCE_ANTHROPIC_API_KEY']))
    fault('OPENROUTER_MANAGEMENT_KEY', 'is required: agents need a model')
  return {}
})

/** Every variable that is read, each with what it may be. */
export const VARIABLES = Env.shape

export type Config = ReturnType<typeof readConfig>

/**
 * The service's whole configuration; a feature that is not configured is null.
 * @throws Error naming every faulty variable
 */
export function readConfig(environment: NodeJS.ProcessEnv) {
  const env = readEnv(z.intersection(Env, Rules), environment)
  const name = env.POOL_ENVIRONMENT ?? env.RAILWAY_ENVIRONMENT_NAME ?? ''
  const { GHCR_USERNAME: username, GHCR_TOKEN: password } = env
  const registryCredentials = username && password ? { username, password } : null
  return {
    environment: name,
    port: env.PORT,
    logLevel: env.LOG_LEVEL,
    commit: env.RAILWAY_GIT_COMMIT_SHA,
    metricsToken: env.METRICS_TOKEN,
    /** How long a replica that is to stop goes on as before, while /readyz says no. */
    shutdownDelayMs: env.SHUTDOWN_DELAY_MS,
    /** Null: no traces are made. */
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    /** What pool presents: one, or two while it is being replaced. */
    apiKeys: env.SERVICES_API_KEY,
    publicUrl: env.SERVICES_PUBLIC_URL ?? null,
    publicPort: env.PUBLIC_PORT ?? null,
    trustProxy: env.TRUST_PROXY,
    // one measure for two things that providers do not tell: how far apart projects are made, and how far lists lag behind
    listLagMs: env.RAILWAY_PROJECT_INTERVAL_MS,
    smsPerDay: env.SMS_PER_DAY,
    encryptionKeys: env.SERVICES_ENCRYPTION_KEYS,
    db: {
      url: env.DATABASE_URL,
      directUrl: env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
      prepared: env.PG_PREPARED === 'on',
    },
    railway: {
      url: env.RAILWAY_API_URL,
      token: env.RAILWAY_API_TOKEN,
      workspaceId: env.RAILWAY_WORKSPACE_ID,
      projectIntervalMs: env.RAILWAY_PROJECT_INTERVAL_MS,
      hourlyBudget: env.RAILWAY_HOURLY_BUDGET,
      region: env.RAILWAY_REGION ?? null,
      registryCredentials,
    },
    ghcr: { url: env.GHCR_URL, credentials: registryCredentials },
    openrouter: env.OPENROUTER_MANAGEMENT_KEY
      ? {
          url: env.OPENROUTER_API_URL,
          managementKey: env.OPENROUTER_MANAGEMENT_KEY,
          limit: env.OPENROUTER_KEY_LIMIT,
          limitReset: env.OPENROUTER_KEY_LIMIT_RESET,
        }
      : null,
    agentmail: env.AGENTMAIL_API_KEY
      ? { url: env.AGENTMAIL_API_URL, apiKey: env.AGENTMAIL_API_KEY, domain: env.AGENTMAIL_DOMAIN ?? null }
      : null,
    telnyx: env.TELNYX_API_KEY
      ? {
          url: env.TELNYX_API_URL,
          apiKey: env.TELNYX_API_KEY,
          messagingProfileId: env.TELNYX_MESSAGING_PROFILE_ID ?? null,
          publicKey: env.TELNYX_PUBLIC_KEY ?? null,
        }
      : null,
    bankr: env.BANKR_API_KEY ? { url: env.BANKR_API_URL, partnerKey: env.BANKR_API_KEY } : null,
    instance: {
      imageRef: env.RAILWAY_RUNTIME_IMAGE ?? `ghcr.io/xmtplabs/convos-runtime:${name}`,
      cpu: env.INSTANCE_CPU ?? null,
      memoryMb: env.INSTANCE_MEMORY_MB ?? null,
      urlTemplate: env.INSTANCE_URL_TEMPLATE,
      extraEnv: env.INSTANCE_EXTRA_ENV,
      xmtpEnv: env.INSTANCE_XMTP_ENV ?? env.XMTP_ENV,
      primaryModel: env.OPENCLAW_PRIMARY_MODEL ?? null,
      openrouterUrl: env.OPENROUTER_API_URL,
      gatewayTokenOverride: env.INSTANCE_OPENCLAW_GATEWAY_TOKEN ?? null,
      anthropicKeyOverride: env.INSTANCE_ANTHROPIC_API_KEY ?? null,
    },
    warnings: [
      ...OUTSIDE_PRODUCTION.filter((variable) => environment[variable]).map(
        (variable) => `${variable} is set: every instance shares it; never do this where others can claim`,
      ),
      ...(environment['AGENTMAIL_FALLBACK_INBOX_ID']
        ? ["AGENTMAIL_FALLBACK_INBOX_ID is ignored: an inbox that instances share would show each one the others' mail"]
        : []),
    ],
  }
}
