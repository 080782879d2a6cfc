import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { testConfig, testEnv } from './support/config.ts'

const faultsOf = (over: Record<string, string>) => {
  try {
    readConfig(testEnv(over))
  } catch (err) {
    return (err as Error).message
  }
  throw new Error('accepted')
}

test('the image follows the environment, unless one is named', () => {
  expect(testConfig().instance.imageRef).toBe('ghcr.io/xmtplabs/convos-runtime:dev')
  expect(testConfig({ RAILWAY_RUNTIME_IMAGE: 'ghcr.io/acme/agent:sha-1' }).instance.imageRef).toBe('ghcr.io/acme/agent:sha-1')
})

test('all faults are told together, by name and never by value', () => {
  const message = faultsOf({
    PORT: 'eighty',
    SERVICES_API_KEY: 'hunter2',
    RAILWAY_SOURCE_REPO: 'acme/agent',
    OPENCLAW_GIT_REF: 'main',
    OPENROUTER_MANAGEMENT_KEY: '',
    GHCR_TOKEN: 'half',
  })
  for (const name of [
    'PORT',
    'SERVICES_API_KEY',
    'RAILWAY_SOURCE_REPO',
    'OPENCLAW_GIT_REF',
    'OPENROUTER_MANAGEMENT_KEY',
    'GHCR_TOKEN',
  ])
    expect(message).toContain(`  ${name}: `)
  expect(message).toContain('RAILWAY_RUNTIME_IMAGE')
  for (const value of ['eighty', 'hunter2', 'acme/agent', 'half']) expect(message).not.toContain(value)
})

test('both names of the environment must agree', () => {
  expect(faultsOf({ RAILWAY_ENVIRONMENT_NAME: 'staging' })).toContain('must agree')
  expect(testConfig({ POOL_ENVIRONMENT: '', RAILWAY_ENVIRONMENT_NAME: 'staging' }).environment).toBe('staging')
  expect(faultsOf({ POOL_ENVIRONMENT: '' })).toContain('POOL_ENVIRONMENT: is required')
})

test('what all instances would share is refused in production, and warned of elsewhere', () => {
  const shared = randomBytes(16).toString('hex')
  const over = { INSTANCE_ANTHROPIC_API_KEY: shared, INSTANCE_OPENCLAW_GATEWAY_TOKEN: shared }
  const message = faultsOf({ ...over, POOL_ENVIRONMENT: 'production' })
  expect(message).toContain('INSTANCE_ANTHROPIC_API_KEY')
  expect(message).toContain('INSTANCE_OPENCLAW_GATEWAY_TOKEN')
  expect(testConfig(over).warnings).toHaveLength(2)
  expect(testConfig({ ...over, OPENROUTER_MANAGEMENT_KEY: '' }).openrouter).toBeNull()
})

test('the key that pool presents is given to nobody else', () => {
  const key = randomBytes(16).toString('hex')
  for (const name of ['METRICS_TOKEN', 'INSTANCE_OPENCLAW_GATEWAY_TOKEN'])
    expect(faultsOf({ SERVICES_API_KEY: key, [name]: key })).toContain(`${name}: must differ from SERVICES_API_KEY`)
})

test('two keys of pool are accepted while one replaces the other, and no third; neither is given to anybody else', () => {
  const keys = Array.from({ length: 3 }, () => randomBytes(16).toString('hex'))
  expect(testConfig({ SERVICES_API_KEY: keys.slice(0, 2).join(', ') }).apiKeys).toEqual(keys.slice(0, 2))
  expect(faultsOf({ SERVICES_API_KEY: keys.join(',') })).toContain('SERVICES_API_KEY: takes one value, or two')
  expect(faultsOf({ SERVICES_API_KEY: keys.slice(0, 2).join(','), METRICS_TOKEN: keys[1] ?? '' })).toContain('METRICS_TOKEN')
})

test('a network that instances would not start on is refused', () => {
  for (const name of ['XMTP_ENV', 'INSTANCE_XMTP_ENV']) expect(faultsOf({ [name]: 'prod' })).toContain(name)
})

describe('tools and the public listener', () => {
  test('what is not configured is off, and has its provider’s own address once it is', () => {
    const off = readConfig(testEnv())
    expect([off.agentmail, off.telnyx, off.bankr, off.publicPort, off.publicUrl]).toEqual([null, null, null, null, null])
    const on = readConfig(testEnv({ AGENTMAIL_API_KEY: 'a', TELNYX_API_KEY: 't', BANKR_API_KEY: 'b' }))
    expect([on.agentmail?.url, on.telnyx?.url, on.bankr?.url]).toEqual([
      'https://api.agentmail.to/v0',
      'https://api.telnyx.com/v2',
      'https://api.bankr.bot',
    ])
  })

  test.each([
    [{ SERVICES_PUBLIC_URL: 'https://services.example' }, 'SERVICES_PUBLIC_URL'],
    [{ PUBLIC_PORT: '3003' }, 'SERVICES_PUBLIC_URL'],
    [{ PUBLIC_PORT: '3002', PORT: '3002', SERVICES_PUBLIC_URL: 'https://services.example' }, 'PUBLIC_PORT'],
    [{ AGENTMAIL_DOMAIN: 'example.com' }, 'AGENTMAIL_API_KEY'],
    [{ TELNYX_MESSAGING_PROFILE_ID: 'p' }, 'TELNYX_API_KEY'],
    [{ TELNYX_API_KEY: 't', TELNYX_PUBLIC_KEY: 'too short' }, 'TELNYX_PUBLIC_KEY'],
  ])('half of it is a fault: %o', (over, name) => {
    expect(() => readConfig(testEnv(over))).toThrow(`${name}: `)
  })

  test('an inbox that all would share is ignored, and said so', () => {
    expect(readConfig(testEnv({ AGENTMAIL_FALLBACK_INBOX_ID: 'shared@example.com' })).warnings.join()).toContain(
      'AGENTMAIL_FALLBACK_INBOX_ID',
    )
  })
})

describe('encryption keys', () => {
  const key = (bytes = 32) => randomBytes(bytes).toString('base64')
  test('newest first', () => {
    const { encryptionKeys } = testConfig({ SERVICES_ENCRYPTION_KEYS: `new:${key()},old:${key()}` })
    expect(encryptionKeys.map(({ id }) => id)).toEqual(['new', 'old'])
  })
  test.each(['plain', `k:${key(16)}`, `k:${key()},k:${key()}`, `k.1:${key()}`, `:${key()}`])('a bad list is refused', (keys) => {
    expect(faultsOf({ SERVICES_ENCRYPTION_KEYS: keys })).toContain('SERVICES_ENCRYPTION_KEYS')
  })
})

test('variables for all instances must be variables, and must not reach into others', () => {
  expect(testConfig({ INSTANCE_EXTRA_ENV: '{"AGENT_ENGINE":"lite"}' }).instance.extraEnv).toEqual({ AGENT_ENGINE: 'lite' })
  for (const bad of ['{', '[]', '{"lower":"x"}', '{"N":1}', '{"X":"${{shared.SECRET}}"}'])
    expect(faultsOf({ INSTANCE_EXTRA_ENV: bad })).toContain('INSTANCE_EXTRA_ENV')
})
