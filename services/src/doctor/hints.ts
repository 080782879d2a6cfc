/** How to come by a variable's value. */
const KEY = 'draw one: openssl rand -hex 24'

export const HINTS: Readonly<Record<string, string>> = {
  DATABASE_URL: 'set it to the Postgres database of services, which is not that of pool',
  POOL_ENVIRONMENT: 'set it to dev, staging or production, the same for pool and services',
  SERVICES_API_KEY: `set the same for pool and services; ${KEY}`,
  SERVICES_ENCRYPTION_KEYS: `draw one: printf 'k1:%s' "$(openssl rand -base64 32)"; keep it where the backups are not`,
  METRICS_TOKEN: KEY,
  RAILWAY_API_TOKEN: 'make an account or workspace token at https://railway.com/account/tokens',
  RAILWAY_WORKSPACE_ID: 'copy it from the settings of the Railway workspace that the agents are to live in',
  RAILWAY_RUNTIME_IMAGE: 'set it to registry/owner/name:tag',
  OPENROUTER_MANAGEMENT_KEY: 'make one at https://openrouter.ai/settings/management-keys',
  AGENTMAIL_API_KEY: "set it to a key of AgentMail's console, or leave all of AGENTMAIL_* out",
  TELNYX_API_KEY: 'set it to a key of https://portal.telnyx.com, or leave all of TELNYX_* out',
  GHCR_TOKEN: 'set it with GHCR_USERNAME, or neither: a public image needs none',
  PUBLIC_PORT: 'set it with SERVICES_PUBLIC_URL, to another port than PORT',
  SERVICES_PUBLIC_URL: 'set it with PUBLIC_PORT, to the domain that leads there',
}
