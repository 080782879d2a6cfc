import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { eventually } from '@convos/sandbox/testing'
import { readMeta } from '@convos/kit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { type Context, createContext } from '../../src/context.ts'
import { reconcile } from '../../src/reconcile/pass.ts'
import type { ResourceKind } from '../../src/registry.ts'
import { NotYet } from '../../src/saga.ts'
import { STRAY_AGE, STRAY_SIGHTINGS_APART } from '../../src/limits.ts'
import { testEnv } from '../support/config.ts'
import { newId, servicesDatabase } from '../support/harness.ts'

/** The same through every provider's own API: what each of them lists is recognised, and goes. */
let sim: SimulatorServer
let ctx: Context
let database: Awaited<ReturnType<typeof servicesDatabase>>

beforeAll(async () => {
  sim = await startSimulators()
  database = await servicesDatabase(inject('postgresUrl'))
  const config = readConfig(
    testEnv({
      DATABASE_URL: database.url,
      RAILWAY_API_URL: `${sim.url}/railway/graphql/v2`,
      RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
      OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
      AGENTMAIL_API_URL: `${sim.url}/agentmail/v0`,
      AGENTMAIL_API_KEY: newId(),
      TELNYX_API_URL: `${sim.url}/telnyx/v2`,
      TELNYX_API_KEY: newId(),
      GHCR_URL: sim.url,
    }),
  )
  const first = createContext(config, { environment: 'dev', deploymentId: '' })
  const meta = await readMeta(first.db)
  await first.db.end()
  ctx = createContext(config, meta)
})
afterAll(async () => {
  await ctx.db.end()
  await sim.close()
  await database.drop()
})

async function made(kind: ResourceKind, request: Parameters<ResourceKind['create']>[0]): Promise<string> {
  for (;;) {
    try {
      return (await kind.create(request)).resourceId
    } catch (err) {
      if (!(err instanceof NotYet)) throw err
      await new Promise((resolve) => setTimeout(resolve, Math.min(err.ms, 100)))
    }
  }
}

test('what a destroyed instance left at any of them is recognised and goes', async () => {
  const instanceId = newId()
  const key = ctx.marker(instanceId)
  await ctx.db.query({
    text: `insert into instance_infra (instance_id, wish, phase, project_name, image, next_run_at)
      values ($1, 'absent', 'destroyed', $1, 'image', null)`,
    values: [instanceId],
  })
  const { projectId } = await ctx.infra.ensure[0].create({
    instanceId,
    name: 'stray',
    marker: key,
    since: new Date(),
    port: 8080,
    mountPath: '/data',
    place: {},
  })
  const left = new Map([['railway', projectId]])
  for (const { toolId, resources, available } of ctx.tools.getAll())
    for (const kind of resources)
      if (available && kind.list) left.set(`${toolId}/${kind.kind}`, await made(kind, { instanceId, key, made: {} }))
  expect([...left.keys()]).toEqual(['railway', 'openrouter/key', 'email/inbox', 'sms/number'])

  const pass = () => reconcile(ctx, { dryRun: false, adopt: [] })
  expect(await pass()).toMatchObject({ counts: { 'orphan/wait': 4 }, unlisted: [] })
  await database.moveClock(STRAY_AGE + STRAY_SIGHTINGS_APART)
  await eventually('the connections that this cut are replaced', () => ctx.db.query({ text: 'select' }))
  const { findings } = await pass()
  expect(new Map(findings.map(({ provider, resourceId }) => [provider, resourceId]))).toEqual(left)
  expect(new Set(findings.map(({ action }) => action))).toEqual(new Set(['destroy']))
  expect(await pass()).toMatchObject({ findings: [], unlisted: [] })
})
