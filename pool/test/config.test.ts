import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const BASE = {
  DATABASE_URL: 'postgres://localhost/pool',
  POOL_ENVIRONMENT: 'dev',
  POOL_API_KEY: 'a-key-of-16-chars',
  SERVICES_URL: 'http://localhost:3002/',
  SERVICES_API_KEY: 'another-key-of-16',
}
const production = { POOL_ENVIRONMENT: 'production', POOL_SECRET: 'secret-of-16-chars', POOL_PUBLIC_URL: 'https://pool.example' }

test('defaults follow the environment', () => {
  expect(readConfig(BASE)).toMatchObject({
    port: 3001,
    publicUrl: 'http://localhost:3001',
    seeds: { minIdle: 3, maxTotal: null, maxAgeHours: null, stuckTimeoutMs: 900_000, pendingTimeoutMs: 86_400_000 },
    services: { url: 'http://localhost:3002' },
    inviteOrigins: ['https://dev.convos.org'],
    publicAgents: true,
    secrets: null,
  })
  expect(readConfig({ ...BASE, ...production })).toMatchObject({
    inviteOrigins: ['https://popup.convos.org'],
    publicAgents: false,
    secrets: ['secret-of-16-chars'],
  })
})

test('the environment may come from Railway, and must agree', () => {
  const { POOL_ENVIRONMENT: _, ...rest } = BASE
  expect(readConfig({ ...rest, RAILWAY_ENVIRONMENT_NAME: 'dev' }).environment).toBe('dev')
  expect(() => readConfig({ ...BASE, RAILWAY_ENVIRONMENT_NAME: 'production' })).toThrow('does not agree')
  expect(() => readConfig(rest)).toThrow('POOL_ENVIRONMENT')
})

test('two values are accepted for a key that is being replaced, and no third', () => {
  expect(readConfig({ ...BASE, POOL_API_KEY: 'first-of-16-chars,second-of-16-chars' }).apiKeys).toHaveLength(2)
  expect(() => readConfig({ ...BASE, POOL_API_KEY: Array(3).fill('a-key-of-16-chars').join(',') })).toThrow('POOL_API_KEY')
})

test('of two keys for services the first is sent', () => {
  const { services } = readConfig({ ...BASE, SERVICES_API_KEY: 'first-of-16-chars,second-of-16-chars' })
  expect(services.apiKey).toBe('first-of-16-chars')
})

test('all faults come together, by name and never by value', () => {
  const faulty = { ...BASE, DATABASE_URL: '', POOL_API_KEY: 'short', POOL_MIN_IDLE: 'many', POOL_ENVIRONMENT: 'production' }
  const message = (() => {
    try {
      readConfig(faulty)
    } catch (err) {
      return String(err)
    }
    return ''
  })()
  for (const name of ['DATABASE_URL: is required', 'POOL_API_KEY', 'POOL_MIN_IDLE', 'POOL_SECRET: is required'])
    expect(message).toMatch(name)
  expect(message).not.toMatch(/short|many/)
})

test('production wants its own secret and its address; replaced names are refused with their replacement', () => {
  expect(() => readConfig({ ...BASE, POOL_ENVIRONMENT: 'production' })).toThrow(/POOL_SECRET.*\n.*POOL_PUBLIC_URL/)
  for (const name of ['RAILWAY_SOURCE_REPO', 'RAILWAY_SOURCE_ANYTHING', 'OPENCLAW_GIT_REF'])
    expect(() => readConfig({ ...BASE, [name]: 'x' })).toThrow(`${name}: replaced by RAILWAY_RUNTIME_IMAGE`)
})

test('the address of the webhook is taken as it is given, and never shown', () => {
  const url = 'https://hooks.example/services/T0/B0/only-the-owner-knows/'
  expect(readConfig({ ...BASE, ALERT_WEBHOOK_URL: url }).alertWebhookUrl).toBe(url)
  expect(readConfig(BASE).alertWebhookUrl).toBeNull()
  const fault = () => readConfig({ ...BASE, ALERT_WEBHOOK_URL: 'only-the-owner-knows' })
  expect(fault).toThrow('ALERT_WEBHOOK_URL: must be an http(s) URL')
  expect(fault).not.toThrow('only-the-owner-knows')
})
