/** `ops:doctor` beside a running deployment: it says that all is well, names each thing that is broken, changes nothing, shows no secret. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createDatabase, databaseName, eventually, setClockOffset } from '@convos/sandbox/testing'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Environment, query, useWorld } from './support/world.ts'

const Findings = z.object({
  findings: z.array(
    z.object({ about: z.string(), level: z.string(), code: z.string(), seen: z.string(), todo: z.string().nullable() }),
  ),
})
type Variables = Record<string, string>
type Part = 'services' | 'pool'

const world = useWorld()
let dev: Environment
let other: Environment
let undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  ;[dev, other] = await Promise.all([world.start('dev', 2), world.start('staging', 0)])
  await eventually('it is warm', async () => (await dev.api.counts()).idle === 2, { timeoutMs: 30_000 })
}, 60_000)
afterEach(async () => {
  for (const each of undo.toReversed()) await each()
  undo = []
  world.simulators.faults.clear()
})

/** Every key and token, each entry of a list, and the password of the one URL here that has one. */
const secretsOf = (env: Variables) => [
  'not-to-be-shown',
  ...Object.entries(env).flatMap(([name, value]) =>
    /KEY|TOKEN|SECRET/.test(name) ? value.split(/[,:]/).filter((entry) => entry.length >= 16) : [],
  ),
]

async function examine(part: Part, env: Variables = {}, args: string[] = []) {
  const { code, output } = await dev[part].run('src/cli/doctor.ts', ['--json', '--timeout', '3', ...args], env)
  for (const secret of secretsOf({ ...dev[part].env, ...env })) expect(output).not.toContain(secret)
  const { findings } = Findings.parse(JSON.parse(output))
  expect(code).toBe(findings.some(({ level }) => level === 'fault') ? 1 : 0)
  return findings
}

const post = async (path: string, headers: Variables, body: unknown): Promise<unknown> => {
  const res = await fetch(world.simulators.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  expect(res.ok).toBe(true)
  return res.json()
}
const fault = (rule: unknown) => void world.simulators.faults.add(rule)
const railwayRefuses = (operation: string, message: string) =>
  fault({ provider: 'railway', match: { operation }, effect: { kind: 'graphql-error', message } })
const databaseOf = (part: Part) => dev.databases[part]
/** Runs `change` in a database now, `back` when the test is over. */
async function during(part: Part, change: string, back: string): Promise<void> {
  await query(databaseOf(part), change)
  undo.push(() => query(databaseOf(part), back))
}
const emptyDatabase = async () => {
  const made = await createDatabase(world.admin, { template: 'empty', migrate: async () => {} })
  world.keep(made)
  return made.url
}

test.each(['services', 'pool'] as const)('a sound set-up: nothing is wrong with %s, and nothing is changed', async (part) => {
  const held = async () => (await fetch(`${world.simulators.url}/_control/resources`)).json()
  const before = await held()
  const findings = await examine(part)
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
  expect(await held()).toEqual(before)
})

interface Case {
  part?: Part
  /** Variables in place of its own; what must be made first is made here. */
  env?: () => Variables | Promise<Variables>
  finding: { about: string; code: string; level?: string; seen: RegExp; todo: RegExp }
}

const CASES: Record<string, Case> = {
  'a provider that is half set up': {
    env: () => ({ AGENTMAIL_API_KEY: '', AGENTMAIL_DOMAIN: 'mail.example' }),
    finding: { about: 'config', code: 'VARIABLE', seen: /^AGENTMAIL_API_KEY is required where/, todo: /leave all of AGENTMAIL/ },
  },
  'a missing variable': {
    part: 'pool',
    env: () => ({ SERVICES_URL: '' }),
    finding: { about: 'config', code: 'VARIABLE', seen: /^SERVICES_URL is required/, todo: /where services listens/ },
  },
  'encryption keys that are none': {
    env: () => ({ SERVICES_ENCRYPTION_KEYS: 'a-plain-password' }),
    finding: { about: 'config', code: 'VARIABLE', seen: /^SERVICES_ENCRYPTION_KEYS must be keyId:base64/, todo: /openssl rand/ },
  },
  'another encryption key of the same name': {
    env: () => ({ SERVICES_ENCRYPTION_KEYS: `sandbox:${randomBytes(32).toString('base64')}` }),
    finding: { about: 'encryption', code: 'ENCRYPTION_KEY', seen: /\d+ values.*another key "sandbox"/, todo: /put the key/ },
  },
  'an encryption key that was taken away too early': {
    env: () => ({ SERVICES_ENCRYPTION_KEYS: `new:${randomBytes(32).toString('base64')}` }),
    finding: { about: 'encryption', code: 'ENCRYPTION_KEY', seen: /"sandbox", which is not set/, todo: /put the key/ },
  },
  'a rotation that was begun and not ended': {
    env: () => ({
      SERVICES_ENCRYPTION_KEYS: `new:${randomBytes(32).toString('base64')},${dev.services.env['SERVICES_ENCRYPTION_KEYS']}`,
    }),
    finding: { about: 'encryption', code: 'ENCRYPTION_OLDER', level: 'warning', seen: /older key/, todo: /services:reencrypt/ },
  },
  'a database that cannot be reached': {
    env: () => ({ DATABASE_URL: 'postgres://nobody:not-to-be-shown@127.0.0.1:9/services' }),
    finding: { about: 'database', code: 'DATABASE_UNREACHABLE', seen: /ECONNREFUSED/, todo: /check DATABASE_URL/ },
  },
  'the database of the other service': {
    part: 'pool',
    env: () => ({ DATABASE_URL: databaseOf('services') }),
    finding: { about: 'database', code: 'DATABASE_OF_ANOTHER_SERVICE', seen: /0001_instances/, todo: /database of pool/ },
  },
  'the database of another environment': {
    env: () => ({ DATABASE_URL: other.databases.services }),
    finding: { about: 'database', code: 'DATABASE_OF_ANOTHER_ENVIRONMENT', seen: /"staging".*"dev"/, todo: /POOL_ENVIRONMENT/ },
  },
  'an empty database': {
    env: async () => ({ DATABASE_URL: await emptyDatabase() }),
    finding: { about: 'database', code: 'DATABASE_UNMIGRATED', seen: /empty/, todo: /services:db:migrate/ },
  },
  'a database that is behind': {
    part: 'pool',
    env: async () => {
      const [last] = await query<{ name: string; checksum: string }>(
        databaseOf('pool'),
        'select name, checksum from schema_migrations order by name desc limit 1',
      )
      const values = `('${last?.name}', '${last?.checksum}')`
      const back = `insert into schema_migrations (name, checksum) values ${values}`
      await during('pool', `delete from schema_migrations where name = '${last?.name}'`, back)
      return {}
    },
    finding: { about: 'database', code: 'DATABASE_BEHIND', seen: /still to be applied/, todo: /pool:db:migrate/ },
  },
  'a database that a newer version has used': {
    env: async () => {
      const name = '9999_from_the_future.sql'
      const back = `delete from schema_migrations where name = '${name}'`
      await during('services', `insert into schema_migrations (name, checksum) values ('${name}', 'x')`, back)
      return {}
    },
    finding: { about: 'database', code: 'DATABASE_NEWER', level: 'warning', seen: /9999_from_the_future/, todo: /one version/ },
  },
  'a database whose clock is wrong': {
    env: async () => {
      const name = databaseName(databaseOf('services'))
      await setClockOffset(world.admin, name, -90_000)
      undo.push(() => setClockOffset(world.admin, name, 0))
      return {}
    },
    finding: { about: 'database', code: 'CLOCK_SKEW', seen: /database is 9\d(\.\d)? s behind/, todo: /NTP/ },
  },
  'a machine whose clock the providers contradict': {
    env: () => {
      const headers = { date: new Date(Date.now() + 120_000).toUTCString() }
      fault({ provider: 'openrouter', effect: { kind: 'status', status: 404, headers } })
      return {}
    },
    finding: { about: 'clock', code: 'CLOCK_SKEW', seen: /openrouter is 1\d\d(\.\d)? s ahead/, todo: /NTP/ },
  },
  'a project token in place of an account’s': {
    env: () => {
      railwayRefuses('ApiTokenContext', 'Project Token not found')
      return {}
    },
    finding: { about: 'railway', code: 'RAILWAY_TOKEN_KIND', seen: /project token/, todo: /account or workspace token/ },
  },
  'a token that Railway does not know': {
    env: () => ({ RAILWAY_API_TOKEN: 'bad' }),
    finding: { about: 'railway', code: 'RAILWAY_TOKEN', seen: /RAILWAY_API_TOKEN/, todo: /account\/tokens/ },
  },
  'a workspace that the token does not reach': {
    env: () => ({ RAILWAY_WORKSPACE_ID: '00000000-0000-4000-8000-000000000000' }),
    finding: { about: 'railway', code: 'RAILWAY_WORKSPACE', seen: /it reaches ".+"/, todo: /RAILWAY_WORKSPACE_ID/ },
  },
  'a token whose scope is too small': {
    env: () => {
      railwayRefuses('ProjectsPage', 'Not Authorized')
      return {}
    },
    finding: { about: 'railway', code: 'RAILWAY_SCOPE', seen: /may not see its projects/, todo: /member/ },
  },
  'Railway’s limit used up': {
    env: () => {
      fault({ provider: 'railway', effect: { kind: 'status', status: 429, headers: { 'retry-after': '1800' } } })
      return {}
    },
    finding: { about: 'railway', code: 'PROVIDER_BUDGET', seen: /no more requests/, todo: /wait 30 min/ },
  },
  'our own hourly budget used up': {
    env: async () => {
      await eventually('what was asked is written down', async () => {
        const rows = await query(
          databaseOf('services'),
          `select from provider_budgets where provider = 'railway' and requests > 10`,
        )
        return rows.length > 0
      })
      return { RAILWAY_HOURLY_BUDGET: '10' }
    },
    finding: { about: 'budget', code: 'BUDGET_USED_UP', seen: /of 10 requests.*railway/, todo: /RAILWAY_HOURLY_BUDGET/ },
  },
  'an ordinary key in place of a management key': {
    env: async () => {
      const made = await post('/openrouter/api/v1/keys', { authorization: 'Bearer sandbox-management-key' }, { name: 'ordinary' })
      return { OPENROUTER_MANAGEMENT_KEY: z.object({ key: z.string() }).parse(made).key }
    },
    finding: { about: 'openrouter', code: 'OPENROUTER_KEY_KIND', seen: /ordinary key/, todo: /management-keys/ },
  },
  'an account without money': {
    env: () => {
      const body = { data: { total_credits: 50, total_usage: 50.25 } }
      fault({ provider: 'openrouter', match: { path: '*/credits' }, effect: { kind: 'status', status: 200, body } })
      return {}
    },
    finding: { about: 'openrouter', code: 'OPENROUTER_CREDIT', seen: /-0\.25 USD/, todo: /add credit/ },
  },
  'a key of one inbox in place of the organization’s': {
    env: async () => {
      const own = { authorization: `Bearer ${dev.services.env['AGENTMAIL_API_KEY']}` }
      const inbox = z.object({ inbox_id: z.string() }).parse(await post('/agentmail/v0/inboxes', own, { username: 'doctor' }))
      const path = `/agentmail/v0/inboxes/${encodeURIComponent(inbox.inbox_id)}`
      undo.push(() => fetch(world.simulators.url + path, { method: 'DELETE', headers: own }))
      const made = await post(`${path}/api-keys`, own, { name: 'narrow', permissions: { inbox_read: true } })
      return { AGENTMAIL_API_KEY: z.object({ api_key: z.string() }).parse(made).api_key }
    },
    finding: { about: 'agentmail', code: 'AGENTMAIL_SCOPE', seen: /less than the organization/, todo: /whole organization/ },
  },
  'texts that can be sent and not received': {
    env: () => ({ TELNYX_PUBLIC_KEY: '' }),
    finding: { about: 'telnyx', code: 'TELNYX_HALF_SET', level: 'warning', seen: /receive none/, todo: /TELNYX_PUBLIC_KEY/ },
  },
  'a messaging profile that is not there': {
    env: () => ({ TELNYX_MESSAGING_PROFILE_ID: '00000000-0000-4000-8000-000000000000' }),
    finding: { about: 'telnyx', code: 'TELNYX_PROFILE', seen: /no messaging profile/, todo: /leave it out/ },
  },
  'a user’s key in place of a partner’s': {
    env: () => ({ BANKR_API_KEY: `bk_usr_${randomBytes(16).toString('hex')}` }),
    finding: { about: 'bankr', code: 'BANKR_KEY', seen: /no partner key/, todo: /partner account/ },
  },
  'an image that is not there': {
    env: () => {
      const body = { errors: [{ code: 'MANIFEST_UNKNOWN' }] }
      fault({ provider: 'ghcr', match: { path: '*/manifests/*' }, effect: { kind: 'status', status: 404, body } })
      return {}
    },
    finding: { about: 'image', code: 'IMAGE_NOT_FOUND', seen: /convos-runtime:dev/, todo: /RAILWAY_RUNTIME_IMAGE/ },
  },
  'an image that is not shown to us': {
    env: () => {
      fault({ provider: 'ghcr', match: { path: '/token' }, effect: { kind: 'status', status: 403 } })
      return {}
    },
    finding: { about: 'image', code: 'IMAGE_REFUSED', seen: /does not show/, todo: /GHCR_TOKEN/ },
  },
  'a provider that is down': {
    env: () => {
      fault({ provider: 'agentmail', effect: { kind: 'drop-before' } })
      return {}
    },
    finding: { about: 'agentmail', code: 'PROVIDER_DOWN', seen: /AgentMail gives no usable answer/, todo: /status page/ },
  },
  'a provider that hangs': {
    env: () => {
      fault({ provider: 'telnyx', effect: { kind: 'hang' } })
      return {}
    },
    finding: { about: 'telnyx', code: 'NO_ANSWER', seen: /within 3 s/, todo: /unreachable/ },
  },
  'a public address that leads to what is internal': {
    env: () => ({ SERVICES_PUBLIC_URL: dev.services.url }),
    finding: { about: 'public url', code: 'PUBLIC_URL_ELSEWHERE', seen: /not by the public listener/, todo: /PUBLIC_PORT/ },
  },
  'a public address of another deployment': {
    env: () => ({ SERVICES_PUBLIC_URL: other.services.env['SERVICES_PUBLIC_URL'] ?? '' }),
    finding: { about: 'public url', code: 'PUBLIC_URL_ELSEWHERE', seen: /another deployment/, todo: /PUBLIC_PORT/ },
  },
  'a public address where nobody listens': {
    part: 'pool',
    env: () => ({ POOL_PUBLIC_URL: 'http://127.0.0.1:9' }),
    finding: { about: 'public url', code: 'PUBLIC_URL_SILENT', seen: /cannot be reached/, todo: /start pool/ },
  },
  'a public address of somebody else': {
    part: 'pool',
    env: () => ({ POOL_PUBLIC_URL: world.simulators.url }),
    finding: { about: 'public url', code: 'PUBLIC_URL_ELSEWHERE', seen: /not by a pool/, todo: /POOL_PUBLIC_URL/ },
  },
  'a public address of another pool': {
    part: 'pool',
    env: () => ({ POOL_PUBLIC_URL: other.pool.url }),
    finding: { about: 'public url', code: 'PUBLIC_URL_ELSEWHERE', seen: /"staging"/, todo: /POOL_PUBLIC_URL/ },
  },
  'a wrong key for services': {
    part: 'pool',
    env: () => ({ SERVICES_API_KEY: randomBytes(16).toString('hex') }),
    finding: { about: 'services', code: 'SERVICES_KEY', seen: /does not accept/, todo: /Rotating keys/ },
  },
  'services of another environment': {
    part: 'pool',
    env: () => ({ SERVICES_URL: other.services.url, SERVICES_API_KEY: other.services.apiKey }),
    finding: { about: 'services', code: 'SERVICES_ENVIRONMENT', seen: /another environment than "dev"/, todo: /SERVICES_URL/ },
  },
  'services where there is none': {
    part: 'pool',
    env: () => ({ SERVICES_URL: `${world.simulators.url}/convos` }),
    finding: { about: 'services', code: 'SERVICES_ELSEWHERE', seen: /answers 404/, todo: /SERVICES_URL/ },
  },
  'a refill that is paused': {
    part: 'pool',
    env: async () => {
      await during('pool', 'update settings set paused = true', 'update settings set paused = false')
      return {}
    },
    finding: { about: 'supply', code: 'PAUSED', level: 'warning', seen: /paused/, todo: /PATCH/ },
  },
}

test.each(Object.entries(CASES))('%s is named', async (_what, { part = 'services', env, finding }) => {
  const findings = await examine(part, await env?.())
  const { about, code, level = 'fault', seen, todo } = finding
  expect(findings).toContainEqual({ about, code, level, seen: expect.stringMatching(seen), todo: expect.stringMatching(todo) })
})

test('what is wrong in one place does not keep it from looking at the others', async () => {
  fault({ provider: 'railway', effect: { kind: 'hang' } })
  fault({ provider: 'openrouter', effect: { kind: 'drop-before' } })
  const findings = await examine('services', { DATABASE_URL: 'postgres://127.0.0.1:9/services' })
  const faults = findings.filter(({ level }) => level === 'fault').map(({ about }) => about)
  expect([...new Set(faults)]).toEqual(['database', 'railway', 'openrouter'])
  expect(findings.filter(({ about, level }) => about === 'bankr' && level === 'ok')).toHaveLength(1)
})

describe('--live', () => {
  const projects = async () => {
    const { railway } = z
      .object({ railway: z.object({ projects: z.array(z.object({ id: z.string(), name: z.string() })) }) })
      .parse(await (await fetch(`${world.simulators.url}/_control/resources`)).json())
    return railway.projects.filter(({ name }) => name.startsWith('convos-doctor')).map(({ id }) => id)
  }

  test('shows on one project what no simulator can, deletes it, and lists what stays open', async () => {
    const findings = (await examine('services', {}, ['--live'])).filter(({ about }) => about === 'live')
    expect(findings.filter(({ level }) => level === 'fault' || level === 'warning')).toEqual([])
    const codes = findings.filter(({ level }) => level === 'ok').map(({ code }) => code)
    expect(new Set(codes)).toEqual(
      new Set(['LIVE_CREATE', 'LIVE_FIND', 'LIVE_PATCH', 'LIVE_BATCH', 'LIVE_SURVEY', 'LIVE_DELETE']),
    )
    expect(findings.filter(({ level }) => level === 'unverified').length).toBeGreaterThan(3)
    expect(await projects()).toEqual([])
  })

  test('deletes it when something fails on the way', async () => {
    railwayRefuses('VolumeCreate', 'Not Authorized')
    const findings = await examine('services', {}, ['--live'])
    expect(findings).toContainEqual(expect.objectContaining({ about: 'live', level: 'fault', code: 'LIVE_CREATE' }))
    expect(findings).toContainEqual(expect.objectContaining({ about: 'live', level: 'ok', code: 'LIVE_DELETE' }))
    expect(await projects()).toEqual([])
  })

  test('finds and deletes what a run left that was killed; no reconciliation takes it for an instance', async () => {
    fault({ provider: 'railway', match: { operation: 'VolumeCreate' }, effect: { kind: 'hang' } })
    const cwd = fileURLToPath(new URL('../../../services', import.meta.url))
    const child = spawn(process.execPath, ['src/cli/doctor.ts', '--live'], { cwd, env: dev.services.env, stdio: 'ignore' })
    await eventually('its project is there', async () => (await projects()).length === 1, { timeoutMs: 20_000 })
    child.kill('SIGKILL')
    await once(child, 'exit')
    world.simulators.faults.clear()

    const reply = await fetch(`${dev.services.url}/reconcile`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dev.services.apiKey}`, 'x-environment': 'dev', 'content-type': 'application/json' },
      body: '{}',
    })
    const left = await projects()
    expect(JSON.stringify(await reply.json())).not.toContain(left[0])
    const findings = await examine('services', {}, ['--live'])
    expect(findings).toContainEqual(expect.objectContaining({ about: 'live', level: 'ok', code: 'LIVE_LEFTOVERS' }))
    expect(await projects()).toEqual([])
  })
})
