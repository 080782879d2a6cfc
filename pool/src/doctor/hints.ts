/** How to come by a variable's value. */
const KEY = 'draw one: openssl rand -hex 24'

export const HINTS: Readonly<Record<string, string>> = {
  DATABASE_URL: 'set it to the Postgres database of pool, which is not that of services',
  POOL_ENVIRONMENT: 'set it to dev, staging or production, the same for pool and services',
  POOL_API_KEY: KEY,
  POOL_SECRET: KEY,
  POOL_PUBLIC_URL: 'set it to the address under which browsers reach the dashboard',
  SERVICES_URL: 'set it to where services listens to pool: on Railway its private address',
  SERVICES_API_KEY: 'set it to the value that services has',
  METRICS_TOKEN: KEY,
  ALERT_WEBHOOK_URL: 'set it to an address that takes a POST, or leave it out',
}
