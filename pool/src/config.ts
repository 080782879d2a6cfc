import { envInt, envList, envSecret, envSecrets, envUrl, readEnv } from '@convos/kit'
import { z } from 'zod'

const ENVIRONMENTS = ['dev', 'staging', 'production'] as const
type Environment = (typeof ENVIRONMENTS)[number]

/** Each Convos network and where its invites live. */
export const NETWORK_ORIGINS = ['https://dev.convos.org', 'https://popup.convos.org'] as const
const [DEV_ORIGIN, PRODUCTION_ORIGIN] = NETWORK_ORIGINS

/** Where the invites of an environment lead unless it says otherwise. */
export const networkOf = (environment: string): string => (environment === 'production' ? PRODUCTION_ORIGIN : DEV_ORIGIN)

/** Names of earlier versions: starting as if they still worked would be a lie. */
const isReplaced = (name: string) => name.startsWith('RAILWAY_SOURCE_') || name === 'OPENCLAW_GIT_REF'

const environmentOf = (env: { POOL_ENVIRONMENT?: Environment | undefined; RAILWAY_ENVIRONMENT_NAME?: string | undefined }) =>
  env.POOL_ENVIRONMENT ?? ENVIRONMENTS.find((known) => known === env.RAILWAY_ENVIRONMENT_NAME)

/** Checked beside the faults of single values, so that all of them are reported together. */
const always = () => true
const onOff = z.enum(['on', 'off']).transform((value) => value === 'on')
/** As it is given: what a slash at its end means is for its owner to know. */
const webhook = z.string().refine((url) => envUrl.safeParse(url).success, 'must be an http(s) URL')
const origins = envList.pipe(z.array(envUrl.transform((url) => new URL(url).origin)))

const Env = z
  .looseObject({
    PORT: envInt(0, 65_535).default(3001),
    DATABASE_URL: z.string(),
    DATABASE_DIRECT_URL: z.string().optional(),
    POOL_ENVIRONMENT: z.enum(ENVIRONMENTS).optional(),
    RAILWAY_ENVIRONMENT_NAME: z.string().optional(),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    METRICS_TOKEN: envSecret.optional(),
    SHUTDOWN_DELAY_MS: envInt(0, 30_000).default(0),
    TRUST_PROXY: envInt(0, 10).default(0),
    PG_PREPARED: onOff.default(true),
    POOL_API_KEY: envSecrets,
    POOL_SECRET: envSecrets.optional(),
    POOL_PUBLIC_URL: envUrl.optional(),
    POOL_MIN_IDLE: envInt(0, 10_000).default(3),
    POOL_MAX_TOTAL: envInt(1, 100_000).optional(),
    POOL_MAX_AGE_HOURS: envInt(1, 8_760).optional(),
    POOL_STUCK_TIMEOUT_MS: envInt(60_000, 86_400_000).default(900_000),
    TICK_INTERVAL_MS: envInt(100, 3_600_000).default(30_000),
    SERVICES_URL: envUrl,
    SERVICES_API_KEY: envSecrets,
    CONVOS_INVITE_ORIGINS: origins.optional(),
    POOL_PUBLIC_AGENTS: onOff.optional(),
    ALERT_WEBHOOK_URL: webhook.optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: envUrl.optional(),
    CLAIM_PENDING_TIMEOUT_MS: envInt(1_000, 30 * 86_400_000).default(86_400_000),
    RAILWAY_GIT_COMMIT_SHA: z.string().default('unknown'),
  })
  .refine((env) => !Object.keys(env).some(isReplaced), {
    error: ({ input }) => {
      const names = Object.keys(input as object).filter(isReplaced)
      return `${names.join(', ')}: replaced by RAILWAY_RUNTIME_IMAGE of services; remove it`
    },
    when: always,
  })
  .refine((env) => environmentOf(env) !== undefined, {
    path: ['POOL_ENVIRONMENT'],
    error: `must be one of ${ENVIRONMENTS.join(', ')}`,
    when: always,
  })
  .refine(
    (env) => !env.POOL_ENVIRONMENT || !env.RAILWAY_ENVIRONMENT_NAME || env.POOL_ENVIRONMENT === env.RAILWAY_ENVIRONMENT_NAME,
    {
      path: ['POOL_ENVIRONMENT'],
      error: 'does not agree with RAILWAY_ENVIRONMENT_NAME',
      when: always,
    },
  )
  .refine((env) => environmentOf(env) !== 'production' || env.POOL_SECRET, {
    path: ['POOL_SECRET'],
    error: 'is required in production',
    when: always,
  })
  .refine((env) => environmentOf(env) === 'dev' || env.POOL_PUBLIC_URL, {
    path: ['POOL_PUBLIC_URL'],
    error: 'is required outside dev',
    when: always,
  })
  .transform((env) => ({ ...env, environment: environmentOf(env) ?? 'dev' }))

/** Every variable that is read, each with what it may be. */
export const VARIABLES = Env.in.shape

export type Config = ReturnType<typeof readConfig>

/**
 * What pool runs with, parsed once.
 * @throws Error naming every faulty variable, without values
 */
export function readConfig(env: NodeJS.ProcessEnv) {
  const e = readEnv(Env, env)
  return {
    environment: e.environment,
    commit: e.RAILWAY_GIT_COMMIT_SHA,
    port: e.PORT,
    publicUrl: e.POOL_PUBLIC_URL ?? `http://localhost:${e.PORT}`,
    trustProxy: e.TRUST_PROXY,
    logLevel: e.LOG_LEVEL,
    metricsToken: e.METRICS_TOKEN,
    /** How long a replica that is to stop goes on as before, while /readyz says no. */
    shutdownDelayMs: e.SHUTDOWN_DELAY_MS,
    database: { url: e.DATABASE_URL, directUrl: e.DATABASE_DIRECT_URL ?? e.DATABASE_URL, prepared: e.PG_PREPARED },
    /** Services accepts each of two keys while they are being replaced; we send the first. */
    services: { url: e.SERVICES_URL, apiKey: e.SERVICES_API_KEY[0] },
    /** The first is ours, a second is still accepted while it is being replaced. */
    apiKeys: e.POOL_API_KEY,
    /** Null: the one in the database. */
    secrets: e.POOL_SECRET ?? null,
    /** Settings of the first start. */
    seeds: {
      minIdle: e.POOL_MIN_IDLE,
      maxTotal: e.POOL_MAX_TOTAL ?? null,
      maxAgeHours: e.POOL_MAX_AGE_HOURS ?? null,
      stuckTimeoutMs: e.POOL_STUCK_TIMEOUT_MS,
      pendingTimeoutMs: e.CLAIM_PENDING_TIMEOUT_MS,
    },
    /** Null: nobody is told of alerts. May hold a secret in its path. */
    alertWebhookUrl: e.ALERT_WEBHOOK_URL ?? null,
    /** Null: no traces are made. */
    otlpEndpoint: e.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    tickIntervalMs: e.TICK_INTERVAL_MS,
    inviteOrigins: e.CONVOS_INVITE_ORIGINS ?? [networkOf(e.environment)],
    publicAgents: e.POOL_PUBLIC_AGENTS ?? e.environment !== 'production',
  }
}
