import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { eventually, type TestDatabase } from '@convos/sandbox/testing'
import { connectDatabase, createLogger, type Database } from '@convos/kit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { testEnv } from './support/config.ts'
import { newId, servicesDatabase } from './support/harness.ts'
import { notForInstances } from './support/instance-variables.ts'
import { startRecorder } from './support/recorder.ts'

/** Every secret of this world is unlike any other text: where it turns up, it was told. Each is looked for wherever it does not belong. */
let sim: SimulatorServer
let recorder: Awaited<ReturnType<typeof startRecorder>>
let database: TestDatabase
let db: Database
let child: ChildProcess
let env: Record<string, string>
let output = ''
let ports: { port: number; publicPort: number }
const bodies: string[] = []

const canary = (what: string) => `${what}-${randomBytes(18).toString('base64url')}-/+=`
const control = async (path: string, body?: object, method = 'POST') => {
  const res = await fetch(`${sim.url}/_control${path}`, {
    method: body ? method : 'GET',
    headers: { 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return (await res.json()) as Record<string, unknown>
}

beforeAll(async () => {
  sim = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0 } })
  await control('/telnyx/settings', { activationMs: 50, listedAfterMs: 50 }, 'PATCH')
  recorder = await startRecorder(sim.url)
  database = await servicesDatabase(inject('postgresUrl'))
  db = connectDatabase({ url: database.url, log: createLogger('test', 'silent'), max: 2 })
  const { publicKey } = (await control('/telnyx')) as { publicKey: string }
  env = testEnv({
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.url,
    LOG_LEVEL: 'trace',
    SERVICES_API_KEY: canary('services-key'),
    METRICS_TOKEN: canary('metrics'),
    PUBLIC_PORT: '0',
    SERVICES_PUBLIC_URL: 'http://127.0.0.1:1',
    RAILWAY_API_TOKEN: canary('railway'),
    RAILWAY_API_URL: `${recorder.url}/railway/graphql/v2`,
    RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
    RAILWAY_PROJECT_INTERVAL_MS: '50',
    OPENROUTER_API_URL: `${recorder.url}/openrouter/api/v1`,
    OPENROUTER_MANAGEMENT_KEY: canary('openrouter'),
    AGENTMAIL_API_URL: `${recorder.url}/agentmail/v0`,
    AGENTMAIL_API_KEY: `am_${canary('agentmail')}`,
    TELNYX_API_URL: `${recorder.url}/telnyx/v2`,
    TELNYX_API_KEY: canary('telnyx'),
    TELNYX_PUBLIC_KEY: publicKey,
    BANKR_API_URL: `${recorder.url}/bankr`,
    BANKR_API_KEY: `bk_ptr_${canary('bankr')}`,
    // its token service must be on the same host
    GHCR_URL: sim.url,
  })
  child = spawn(process.execPath, [fileURLToPath(new URL('../src/index.ts', import.meta.url))], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  ports = await eventually(
    'it listens',
    () => {
      const found = /"port":(\d+),"publicPort":(\d+)/.exec(output)
      return found ? { port: Number(found[1]), publicPort: Number(found[2]) } : null
    },
    { timeoutMs: 15_000 },
  )
}, 40_000)
afterAll(async () => {
  if (child.exitCode === null) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await recorder.close()
  await sim.close()
  await db.end()
  await database.drop()
})

const ask = async (method: string, path: string, body?: object, as = 'pool') => {
  const [port, token] = as === 'pool' ? [ports.port, env['SERVICES_API_KEY']] : [ports.publicPort, as]
  const res = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'x-environment': 'dev', 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await res.text()
  // what belongs in an answer is not looked for in it
  if (!/configure|gateway/.test(path)) bodies.push(text)
  return { status: res.status, body: JSON.parse(text) as Record<string, unknown> }
}

/** A secret as it is, and as it travels. */
const forms = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('base64url'),
  JSON.stringify(secret).slice(1, -1),
]
const dump = async () => {
  const { rows: tables } = await db.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  )
  expect(tables.length).toBeGreaterThan(10)
  const all = await Promise.all(
    tables.map(({ name }) =>
      db.query<{ row: string }>(`select t::text as row from ${name} t`).then(({ rows }) => rows.map(({ row }) => row).join('\n')),
    ),
  )
  return all.join('\n')
}

test('no secret turns up where it does not belong', async () => {
  const id = newId()
  const instructions = canary('instructions')
  const text = canary('text message')
  await ask('POST', '/create-instance', { instanceId: id })
  await eventually(
    'it is healthy',
    async () => ((await ask('POST', '/status/batch', { instanceIds: [id] })).body[id] === 'healthy' ? true : null),
    { timeoutMs: 15_000 },
  )
  for (const tool of ['email', 'sms', 'crypto']) {
    await eventually(
      `it has ${tool}`,
      async () => (await ask('POST', `/provision/${id}/${tool}`, {})).body['state'] === 'active',
      {
        timeoutMs: 15_000,
      },
    )
  }
  const usersKey = canary('claimers-key')
  expect(
    (await ask('POST', '/validate/sms', { userConfig: { telnyxApiKey: usersKey, telnyxPhone: '+13125550199' } })).status,
  ).toBe(422)
  expect(
    (
      await ask('POST', `/configure/${id}`, {
        claimId: 'c',
        agentName: 'A',
        instructions,
        model: null,
        owner: null,
        templateId: null,
        allowedTools: ['sms'],
      })
    ).status,
  ).toBe(200)
  const resources = (await control('/resources')) as {
    railway: { projects: { deployments: { variables: Record<string, string> }[] }[] }
  }
  const variables = resources.railway.projects[0]?.deployments[0]?.variables ?? {}
  expect(notForInstances(Object.keys(variables))).toEqual([])
  const own = variables['INSTANCE_SERVICES_TOKEN'] ?? ''
  await ask('GET', `/tools/${id}`, undefined, own)
  await ask('GET', `/credits/${id}`, undefined, own)
  expect((await ask('POST', `/tools/${id}/sms/messages`, { to: '+13125550188', text }, own)).status).toBeLessThan(300)
  await ask('GET', `/tools/${id}/sms/messages`, undefined, 'a token that nobody has')
  for (const path of [
    '/registry',
    '/image',
    '/providers',
    `/instances/${id}`,
    `/instances/${id}/debug`,
    `/provision/${id}/openrouter`,
  ])
    expect((await ask('GET', path)).status, path).toBe(200)
  expect((await ask('POST', '/reconcile', {})).status).toBe(200)
  const { rows } = await db.query<{ secret: string }>(`select secret from instance_services where instance_id = $1`, [id])
  expect(rows.length).toBe(6)
  const tables = await dump()
  await ask('DELETE', `/destroy/${id}`)
  await eventually('it is destroyed', async () => (await ask('DELETE', `/destroy/${id}`)).status === 200, { timeoutMs: 15_000 })

  const requests = (where: RegExp) => recorder.recorded.filter(({ path }) => where.test(path)).map(({ sent }) => sent)
  const nowhere = /^(?!x)x/
  type Placed = [secret: string | undefined, toRequestsOf: RegExp]
  const shared: Placed[] = [
    [env['SERVICES_API_KEY'], nowhere],
    [env['METRICS_TOKEN'], nowhere],
    [env['SERVICES_ENCRYPTION_KEYS']?.split(':')[1], nowhere],
    [instructions, nowhere],
    [env['RAILWAY_API_TOKEN'], /^\/railway/],
    [env['OPENROUTER_MANAGEMENT_KEY'], /^\/openrouter/],
    [env['AGENTMAIL_API_KEY'], /^\/agentmail/],
    [env['TELNYX_API_KEY'], /^\/telnyx/],
    [env['BANKR_API_KEY'], /^\/bankr/],
    [usersKey, /^\/telnyx/],
  ]
  const boxes = [
    'INSTANCE_CONTROL_TOKEN',
    'INSTANCE_SERVICES_TOKEN',
    'OPENCLAW_GATEWAY_TOKEN',
    'SETUP_PASSWORD',
    'OPENROUTER_API_KEY',
    'PRIVATE_WALLET_KEY',
  ].map((name): Placed => [variables[name], /^\/railway/])
  for (const [secret = ''] of shared) expect(JSON.stringify(variables), 'what the box is given').not.toContain(secret)
  for (const [secret = '', place] of [...shared, ...boxes]) {
    expect(secret.length).toBeGreaterThan(20)
    for (const form of forms(secret)) {
      expect(output, 'the log').not.toContain(form)
      for (const body of bodies) expect(body, 'an answer').not.toContain(form)
      expect(tables, 'a table').not.toContain(form)
      for (const { path, sent } of recorder.recorded)
        if (!place.test(path)) expect(sent, `a request to ${path}`).not.toContain(form)
    }
    if (place !== nowhere)
      expect(
        requests(place).some((sent) => sent.includes(secret)),
        `${secret} is used where it belongs`,
      ).toBe(true)
  }
  // what an agent writes is its own: kept for a week, and told to nobody but the provider that carries it
  for (const form of forms(text)) expect(output).not.toContain(form)
  // every address of ours that a provider sees is one that it needs
  for (const { path } of recorder.recorded) expect(path).not.toMatch(/token|key=/i)
})
