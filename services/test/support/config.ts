import { randomBytes } from 'node:crypto'
import { type Config, readConfig } from '../../src/config.ts'

/** A complete, fast configuration; secrets are drawn, so that none stands in a file. */
export const testEnv = (over: Record<string, string> = {}): Record<string, string> => ({
  PORT: '0',
  DATABASE_URL: 'postgres://unused',
  POOL_ENVIRONMENT: 'dev',
  LOG_LEVEL: 'silent',
  SERVICES_API_KEY: randomBytes(16).toString('hex'),
  SERVICES_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  RAILWAY_API_TOKEN: randomBytes(16).toString('hex'),
  RAILWAY_WORKSPACE_ID: 'workspace',
  RAILWAY_PROJECT_INTERVAL_MS: '0',
  INSTANCE_URL_TEMPLATE: 'http://{domain}',
  OPENROUTER_MANAGEMENT_KEY: randomBytes(16).toString('hex'),
  ...over,
})

export const testConfig = (over: Record<string, string> = {}): Config => readConfig(testEnv(over))
