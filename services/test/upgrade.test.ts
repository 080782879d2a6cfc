import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { eventually, type TestDatabase } from '@convos/sandbox/testing'
import { readMeta } from '@convos/kit'
import request from 'supertest'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Config, readConfig } from '../src/config.ts'
import { type Context, createContext } from '../src/context.ts'
import type { StatusDetail } from '../src/contract/index.ts'
import { type RunningServices, startServices } from '../src/service.ts'
import { testEnv } from './support/config.ts'
import { newId, servicesDatabase } from './support/harness.ts'

/** Claimed agents move to a new image, as after a release: what is theirs stays theirs. */
let sim: SimulatorServer
let database: TestDatabase
let config: Config
let ctx: Context
let services: RunningServices

beforeAll(async () => {
  sim = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0 } })
  database = await servicesDatabase(inject('postgresUrl'))
  config = readConfig(
    testEnv({
      DATABASE_URL: database.url,
      RAILWAY_API_URL: `${sim.url}/railway/graphql/v2`,
      RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
      RAILWAY_PROJECT_INTERVAL_MS: '20',
      OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
      GHCR_URL: sim.url,
    }),
  )
  const first = createContext(config, { environment: 'dev', deploymentId: '' })
  ctx = createContext(config, await readMeta(first.db))
  await first.db.end()
  services = await startServices(ctx)
})
afterAll(async () => {
  await services.stop()
  await sim.close()
  await database.drop()
})

const call = (method: 'get' | 'post', path: string, body?: object) => {
  const ask = request(`http://127.0.0.1:${services.port}`)
  return ask[method](path)
    .set({ authorization: `Bearer ${config.apiKeys[0]}`, 'x-environment': 'dev' })
    .send(body)
}
const details = async (instanceIds: string[]) =>
  (await call('post', '/status/batch', { instanceIds, detail: true }).expect(200)).body as Record<string, StatusDetail>
const all = (what: string, ids: string[], holds: (detail: StatusDetail) => boolean) =>
  eventually(
    what,
    async () => {
      await ctx.db.query(`update instance_infra set next_run_at = clock_now() where next_run_at > clock_now()`)
      return Object.values(await details(ids)).every(holds)
    },
    { timeoutMs: 15_000, everyMs: 100 },
  )

interface Project {
  instanceId: string
  volumes: { id: string }[]
  domains: { domain: string }[]
  deployments: { image: string; variables: Record<string, string>; volumeMounted: boolean }[]
}
const projectsOf = async (ids: string[]) => {
  const { railway } = (await (await fetch(`${sim.url}/_control/resources`)).json()) as { railway: { projects: Project[] } }
  return ids.map((id) => railway.projects.filter(({ instanceId }) => instanceId === id))
}

test('5 claimed agents keep conversation, volume, wallet and address; each is deployed once, also from variables of an older version', async () => {
  const ids = Array.from({ length: 5 }, newId)
  // as an older version configured it
  config.instance.extraEnv = { LEGACY_FLAG: '1' }
  for (const instanceId of ids) await call('post', '/create-instance', { instanceId }).expect(202)
  await all('they are healthy', ids, ({ state }) => state === 'healthy')
  config.instance.extraEnv = { NEW_FLAG: '2' }
  for (const id of ids)
    await call('post', `/configure/${id}`, {
      claimId: `claim-${id}`,
      agentName: 'Upgraded',
      instructions: 'Stay who you are.',
      model: null,
      owner: null,
      templateId: null,
      allowedTools: [],
    }).expect(200)
  await all('they are bound', ids, ({ health }) => health?.binding === 'active')
  const [before, projects] = [await details(ids), await projectsOf(ids)]

  const wanted = `${before[ids[0] ?? '']?.image?.split('@')[0]}@sha256:${'e'.repeat(64)}`
  for (const id of ids)
    expect((await call('post', `/redeploy/${id}`, { image: wanted }).expect(200)).body).toMatchObject({ changed: true })
  await all('they are on the new image', ids, ({ state, image }) => state === 'healthy' && image === wanted)

  const after = await details(ids)
  for (const [index, id] of ids.entries()) {
    expect(after[id]?.health?.conversationId).toBe(before[id]?.health?.conversationId)
    expect(after[id]?.health).toMatchObject({ binding: 'active', claimId: `claim-${id}`, clean: false })
    expect(after[id]?.url).toBe(before[id]?.url)
    const [project, ...more] = (await projectsOf(ids))[index] ?? []
    const [old] = projects[index] ?? []
    expect(more).toEqual([])
    expect(project?.volumes).toEqual(old?.volumes)
    expect(project?.domains).toEqual(old?.domains)
    const [first, second, ...others] = project?.deployments ?? []
    expect(others, 'one deployment for the creation, one for the upgrade').toEqual([])
    expect(second).toMatchObject({ image: wanted, volumeMounted: true })
    for (const name of [
      'PRIVATE_WALLET_KEY',
      'OPENROUTER_API_KEY',
      'INSTANCE_CONTROL_TOKEN',
      'OPENCLAW_GATEWAY_TOKEN',
      'SETUP_PASSWORD',
    ]) {
      expect(first?.variables[name]?.length).toBeGreaterThan(15)
      expect(second?.variables[name]).toBe(first?.variables[name])
    }
    expect([first?.variables['LEGACY_FLAG'], second?.variables['LEGACY_FLAG']]).toEqual(['1', undefined])
    expect([first?.variables['NEW_FLAG'], second?.variables['NEW_FLAG']]).toEqual([undefined, '2'])
  }
})
