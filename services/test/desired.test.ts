import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { environmentPatch } from '../src/infra/railway/patch.ts'
import { desiredState, instanceEnv } from '../src/instance/desired.ts'
import { testConfig, testEnv } from './support/config.ts'
import { IMAGE } from './support/harness.ts'
import { INSTANCE_VARIABLES } from './support/instance-variables.ts'

const secret = () => randomBytes(32).toString('hex')
const secrets = { gatewayToken: secret(), controlToken: secret(), servicesToken: secret(), setupPassword: secret() }
const toolEnv = { OPENROUTER_API_KEY: secret(), PRIVATE_WALLET_KEY: `0x${secret()}` }

test('an instance gets these variables and no others, and none of our own secrets', () => {
  const environment = testEnv({
    SERVICES_PUBLIC_URL: 'https://services.example',
    PUBLIC_PORT: '3003',
    OPENROUTER_API_URL: 'http://127.0.0.1:1/api/v1',
    OPENCLAW_PRIMARY_MODEL: 'acme/model',
    GHCR_USERNAME: 'robot',
    GHCR_TOKEN: secret(),
    METRICS_TOKEN: secret(),
    DATABASE_URL: `postgres://${secret()}`,
  })
  const env = instanceEnv({ instanceId: 'abcdefghijkl', secrets, toolEnv, config: testConfig(environment) })
  expect(Object.keys(env).toSorted()).toEqual([...INSTANCE_VARIABLES.own, ...INSTANCE_VARIABLES.open].toSorted())
  expect(env).toMatchObject({ SERVICES_URL: 'https://services.example', XMTP_ENV: 'dev', INSTANCE_ID: 'abcdefghijkl' })
  const ours = [
    'SERVICES_API_KEY',
    'RAILWAY_API_TOKEN',
    'OPENROUTER_MANAGEMENT_KEY',
    'GHCR_TOKEN',
    'METRICS_TOKEN',
    'DATABASE_URL',
    'SERVICES_ENCRYPTION_KEYS',
  ]
  for (const name of ours) expect(Object.values(env)).not.toContain(environment[name])
})

test('what is not configured is left out, and defaults are not repeated', () => {
  const env = instanceEnv({ instanceId: 'abcdefghijkl', secrets, toolEnv, config: testConfig() })
  expect(Object.keys(env)).not.toEqual(expect.arrayContaining(['SERVICES_URL']))
  for (const name of ['SERVICES_URL', 'OPENROUTER_API_URL', 'OPENCLAW_PRIMARY_MODEL', 'ANTHROPIC_API_KEY'])
    expect(env).not.toHaveProperty(name)
})

test('variables for all instances never replace what belongs to one', () => {
  const extra = JSON.stringify({ INSTANCE_ID: 'x', OPENROUTER_API_KEY: 'x', PORT: '1', AGENT_ENGINE: 'lite' })
  const env = instanceEnv({ instanceId: 'abcdefghijkl', secrets, toolEnv, config: testConfig({ INSTANCE_EXTRA_ENV: extra }) })
  expect(env).toMatchObject({
    INSTANCE_ID: 'abcdefghijkl',
    OPENROUTER_API_KEY: toolEnv.OPENROUTER_API_KEY,
    PORT: '8080',
    AGENT_ENGINE: 'lite',
  })
})

const patchOf = (over: Record<string, string>, env: Record<string, string> = {}, removed: string[] = []) =>
  environmentPatch({
    serviceId: 'service',
    volumeId: 'volume',
    desired: desiredState({ image: IMAGE, env, config: testConfig(over) }),
    removedVariables: removed,
    regions: [],
    registryCredentials: over['GHCR_TOKEN'] ? { username: 'robot', password: over['GHCR_TOKEN'] } : null,
  }).services['service']

test('one patch holds everything', () => {
  const password = secret()
  const patch = patchOf(
    { INSTANCE_CPU: '2', INSTANCE_MEMORY_MB: '2048', RAILWAY_REGION: 'us-west2', GHCR_USERNAME: 'robot', GHCR_TOKEN: password },
    { A: '1' },
  )
  expect(patch).toEqual({
    source: { image: IMAGE, autoUpdates: { type: 'disabled' } },
    deploy: {
      registryCredentials: { username: 'robot', password },
      startCommand: `sh -c 'exec /app/scripts/entrypoint.sh'`,
      healthcheckPath: '/pool/health',
      healthcheckTimeout: 300,
      restartPolicyType: 'ON_FAILURE',
      restartPolicyMaxRetries: 10,
      sleepApplication: false,
      numReplicas: 1,
      multiRegionConfig: { 'us-west2': { numReplicas: 1 } },
      limitOverride: { containers: { cpu: 2, memoryBytes: 2_147_483_648 } },
    },
    variables: { A: { value: '1' } },
    volumeMounts: { volume: { mountPath: '/data' } },
  })
})

test('a variable that is not wanted any more is taken away', () => {
  expect(patchOf({}, { A: '1' }, ['OLD'])?.variables).toEqual({ A: { value: '1' }, OLD: null })
})

test('the same input is the same patch, and asks to delete nothing else', () =>
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,9}$/), fc.string()), (env) => {
      const patch = patchOf({}, env)
      expect(JSON.stringify(patchOf({}, env))).toBe(JSON.stringify(patch))
      expect(JSON.stringify(patch)).not.toMatch(/[:,[]null/)
      expect(Object.keys(patch?.variables ?? {}).toSorted()).toEqual(Object.keys(env).toSorted())
    }),
  ))
