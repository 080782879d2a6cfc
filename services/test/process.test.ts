import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { createDatabase, eventually, type TestDatabase } from '@convos/sandbox/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { testEnv } from './support/config.ts'
import { newId } from './support/harness.ts'

/** The service as it is started in production: one process, its environment, its output. */
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
let sim: SimulatorServer
let database: TestDatabase
beforeAll(async () => {
  sim = await startSimulators({
    railway: { projectIntervalMs: 100, agentServer: { command: process.execPath, args: [here('./support/stub-agent.ts')] } },
  })
  database = await createDatabase(inject('postgresUrl'), { template: 'services_empty', migrate: () => Promise.resolve() })
})
afterAll(async () => {
  await sim.close()
  await database.drop()
})

function start(env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [here('../src/index.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return { child, exited: once(child, 'exit'), output: () => output }
}

test('a faulty environment ends the process with the names of the faults', async () => {
  const { exited, output } = start(testEnv({ RAILWAY_API_TOKEN: '', PORT: 'x' }))
  expect(await exited).toEqual([1, null])
  expect(output()).toContain('RAILWAY_API_TOKEN')
  expect(output()).toContain('PORT')
})

test('it migrates, drives an instance through its life, says no secret, and ends when told to', async () => {
  const env = testEnv({
    DATABASE_URL: database.url,
    LOG_LEVEL: 'trace',
    RAILWAY_API_URL: `${sim.url}/railway/graphql/v2`,
    RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
    RAILWAY_PROJECT_INTERVAL_MS: '100',
    OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
    GHCR_URL: sim.url,
  })
  const { child, exited, output } = start(env)
  const port = await eventually('it listens', () => /"port":(\d+)/.exec(output())?.[1], { timeoutMs: 15_000 })
  const call = async (method: string, path: string, body?: unknown) => {
    const res = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${env['SERVICES_API_KEY']}`, 'x-environment': 'dev', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return (await res.json()) as Record<string, unknown>
  }
  const id = newId()
  const instructions = `never to be logged ${newId()}`
  await call('POST', '/create-instance', { instanceId: id })
  const state = async () => (await call('POST', '/status/batch', { instanceIds: [id] }))[id]
  await eventually('the instance is healthy', async () => (await state()) === 'healthy', { timeoutMs: 15_000 })
  const { railway } = (await (await fetch(`${sim.url}/_control/resources`)).json()) as {
    railway: { projects: { deployments: { variables: Record<string, string> }[] }[] }
  }
  const variables = railway.projects[0]?.deployments[0]?.variables ?? {}
  await call('POST', `/configure/${id}`, {
    claimId: 'c',
    agentName: 'A',
    instructions,
    model: null,
    owner: null,
    templateId: null,
    allowedTools: [],
  })
  await call('DELETE', `/destroy/${id}`)
  await eventually('it is destroyed', async () => (await call('DELETE', `/destroy/${id}`))['ok'] === true, { timeoutMs: 15_000 })

  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  const secrets = [
    instructions,
    ...['SERVICES_API_KEY', 'RAILWAY_API_TOKEN', 'OPENROUTER_MANAGEMENT_KEY', 'SERVICES_ENCRYPTION_KEYS'].map(
      (name) => env[name],
    ),
    ...Object.entries(variables).flatMap(([name, value]) => (/TOKEN|KEY|PASSWORD/.test(name) ? [value] : [])),
  ]
  expect(secrets.length).toBeGreaterThanOrEqual(11)
  for (const secret of secrets) expect(output()).not.toContain(secret)
})
