import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { SANDBOX_WORKSPACE } from '../simulators/railway/index.ts'
import type { StartOptions } from './options.ts'
import type { Settings } from './settings.ts'

const CONVOS_BIN = fileURLToPath(new URL('../../bin/convos', import.meta.url))

/** Railway's window between two new projects, shortened so that a newcomer does not wait 30 s for each agent; for load there is none. */
export const projectIntervalMs = ({ instances }: Pick<StartOptions, 'instances'>): number => (instances === 'virtual' ? 0 : 1000)

export interface Urls {
  pool: string
  services: string
  /** Where services listens to instances and providers. */
  servicesPublic: string
  simulators: string
  databases: { pool: string; services: string }
}

/** What the providers' portals show of the accounts there. */
export interface ProviderAccounts {
  telnyxPublicKey: string
}

/** Looks it up at the simulators. */
export async function providerAccounts(simulatorsUrl: string): Promise<ProviderAccounts> {
  const res = await fetch(`${simulatorsUrl}/_control/telnyx`)
  return { telnyxPublicKey: z.object({ publicKey: z.string() }).parse(await res.json()).publicKey }
}

const base = () => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '/',
  POOL_ENVIRONMENT: 'dev',
  NODE_ENV: 'production',
  // where Node keeps it by default: a service whose compiled code is there starts with half the work
  NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
})

/** Ordinary configuration only: neither service knows that it runs in a sandbox. */
export function servicesEnv(
  urls: Urls,
  settings: Settings,
  options: StartOptions,
  accounts: ProviderAccounts,
): Record<string, string> {
  return {
    ...base(),
    PORT: String(settings.ports.services),
    PUBLIC_PORT: String(settings.ports.public),
    SERVICES_PUBLIC_URL: urls.servicesPublic,
    DATABASE_URL: urls.databases.services,
    SERVICES_API_KEY: settings.servicesApiKey,
    SERVICES_ENCRYPTION_KEYS: settings.encryptionKeys,
    METRICS_TOKEN: settings.metricsToken,
    RAILWAY_API_URL: `${urls.simulators}/railway/graphql/v2`,
    RAILWAY_API_TOKEN: 'sandbox-railway-token',
    RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
    // a little longer than the window, as in production: who asks at its very end is refused
    RAILWAY_PROJECT_INTERVAL_MS: String(projectIntervalMs(options) + 50),
    // nobody counts here
    RAILWAY_HOURLY_BUDGET: '1000000',
    GHCR_URL: urls.simulators,
    INSTANCE_URL_TEMPLATE: 'http://{domain}',
    INSTANCE_EXTRA_ENV: JSON.stringify({
      AGENT_ENGINE: options.engine,
      CONVOS_BIN,
      CONVOS_SANDBOX_URL: `${urls.simulators}/convos`,
    }),
    AGENTMAIL_API_URL: `${urls.simulators}/agentmail/v0`,
    AGENTMAIL_API_KEY: settings.agentmailApiKey,
    TELNYX_API_URL: `${urls.simulators}/telnyx/v2`,
    TELNYX_API_KEY: settings.telnyxApiKey,
    TELNYX_PUBLIC_KEY: accounts.telnyxPublicKey,
    BANKR_API_URL: `${urls.simulators}/bankr`,
    BANKR_API_KEY: settings.bankrApiKey,
    ...openRouterEnv(urls, options),
  }
}

function openRouterEnv(urls: Urls, { real }: StartOptions): Record<string, string> {
  if (!real.includes('openrouter')) {
    return {
      OPENROUTER_API_URL: `${urls.simulators}/openrouter/api/v1`,
      OPENROUTER_MANAGEMENT_KEY: 'sandbox-management-key',
      OPENCLAW_PRIMARY_MODEL: 'sandbox/echo',
    }
  }
  const key = process.env['OPENROUTER_MANAGEMENT_KEY']
  if (!key) throw new Error('--real openrouter needs OPENROUTER_MANAGEMENT_KEY in the environment')
  return { OPENROUTER_MANAGEMENT_KEY: key, OPENCLAW_PRIMARY_MODEL: process.env['OPENCLAW_PRIMARY_MODEL'] ?? 'openrouter/auto' }
}

export function poolEnv(urls: Urls, settings: Settings, options: StartOptions): Record<string, string> {
  return {
    ...base(),
    PORT: String(settings.ports.pool),
    DATABASE_URL: urls.databases.pool,
    POOL_API_KEY: settings.poolApiKey,
    POOL_SECRET: settings.poolSecret,
    POOL_PUBLIC_URL: urls.pool,
    POOL_MIN_IDLE: String(options.idle ?? 3),
    METRICS_TOKEN: settings.metricsToken,
    SERVICES_URL: urls.services,
    SERVICES_API_KEY: settings.servicesApiKey,
    CONVOS_INVITE_ORIGINS: urls.simulators,
  }
}
