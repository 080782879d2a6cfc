import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { SANDBOX_WORKSPACE, startSimulators, type SimulatorServer } from '@convos/sandbox'
import { eventually, type TestDatabase } from '@convos/sandbox/testing'
import { readMeta } from '@convos/kit'
import request from 'supertest'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Config, readConfig } from '../src/config.ts'
import { type Context, createContext } from '../src/context.ts'
import type { SmsMessage, StatusDetail } from '../src/contract/index.ts'
import { type RunningServices, startServices } from '../src/service.ts'
import { testEnv } from './support/config.ts'
import { newId, servicesDatabase } from './support/harness.ts'

/** Text messages, from the purchase of a number to the answer of a stranger: two replicas, and Telnyx at its HTTP edge. */
let sim: SimulatorServer
let database: TestDatabase
let config: Config
let contexts: Context[]
let replicas: RunningServices[]

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
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
  await control('/telnyx/settings', { activationMs: 100, listedAfterMs: 100 }, 'PATCH')
  const { publicKey } = (await control('/telnyx')) as { publicKey: string }
  database = await servicesDatabase(inject('postgresUrl'))
  const publicPort = await freePort()
  config = readConfig(
    testEnv({
      DATABASE_URL: database.url,
      PUBLIC_PORT: String(publicPort),
      SERVICES_PUBLIC_URL: `http://127.0.0.1:${publicPort}`,
      RAILWAY_API_URL: `${sim.url}/railway/graphql/v2`,
      RAILWAY_WORKSPACE_ID: SANDBOX_WORKSPACE.id,
      RAILWAY_PROJECT_INTERVAL_MS: '20',
      RAILWAY_HOURLY_BUDGET: '100000',
      OPENROUTER_API_URL: `${sim.url}/openrouter/api/v1`,
      TELNYX_API_URL: `${sim.url}/telnyx/v2`,
      TELNYX_API_KEY: 'an-account-of-ours',
      TELNYX_PUBLIC_KEY: publicKey,
      GHCR_URL: sim.url,
    }),
  )
  const first = createContext(config, { environment: 'dev', deploymentId: '' })
  const meta = await readMeta(first.db)
  await first.db.end()
  contexts = [createContext(config, meta), createContext({ ...config, publicPort: null }, meta)]
  replicas = await Promise.all(contexts.map(startServices))
})
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await sim.close()
  await database.drop()
})

const call = (method: 'post' | 'delete', path: string, body?: object, replica = 0) => {
  const ask = request(`http://127.0.0.1:${replicas[replica]?.port}`)
  return ask[method](path)
    .set({ authorization: `Bearer ${config.apiKeys[0]}`, 'x-environment': 'dev' })
    .send(body)
}

async function claimed(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, newId)
  await Promise.all(ids.map((instanceId) => call('post', '/create-instance', { instanceId }).expect(202)))
  await eventually(
    'they are healthy',
    async () => {
      const { body } = await call('post', '/status/batch', { instanceIds: ids, detail: true })
      return Object.values(body as Record<string, StatusDetail>).every(({ state }) => state === 'healthy')
    },
    { timeoutMs: 18_000, everyMs: 100 },
  )
  for (const id of ids)
    await call('post', `/configure/${id}`, {
      claimId: `claim-${id}`,
      agentName: 'Texter',
      instructions: 'Text.',
      model: null,
      owner: null,
      templateId: null,
      allowedTools: ['sms'],
    }).expect(200)
  return ids
}
const tokenOf = async (id: string) => {
  const { rows } = await contexts[0]!.db.query<{ token: string }>(
    'select services_token as token from instance_infra where instance_id = $1',
    [id],
  )
  return contexts[0]!.vault.open(rows[0]?.token ?? '', `instance_infra/${id}/services_token`)
}
const asInstance = async (id: string, method: 'get' | 'post', path: string, body?: object) => {
  const ask = request(config.publicUrl ?? '')
  return ask[method](path)
    .set('authorization', `Bearer ${await tokenOf(id)}`)
    .send(body)
}
const numbers = async () =>
  ((await control('/resources')) as { telnyx: { numbers: { id: string; name: string; instanceId: string }[] } }).telnyx.numbers

test('20 at once get 20 numbers; asked twice, each has one; texts go out, come in, and are told to their owner alone', async () => {
  const ids = await claimed(20)
  const provision = (id: string, replica: number) => call('post', `/provision/${id}/sms`, {}, replica)
  const first = await Promise.all(ids.flatMap((id, index) => [provision(id, index % 2), provision(id, (index + 1) % 2)]))
  for (const { status } of first) expect([200, 202]).toContain(status)
  const config20 = await eventually(
    'all have theirs',
    async () => {
      const answers = await Promise.all(ids.map((id) => provision(id, 0)))
      return answers.every(({ status, body }) => status === 200 && (body as { state: string }).state === 'active')
        ? answers.map(({ body }) => body as { resourceId: string; config: { phoneNumber: string } })
        : null
    },
    { timeoutMs: 18_000, everyMs: 200 },
  )
  const phones = config20.map(({ config: { phoneNumber } }) => phoneNumber)
  expect(new Set(phones).size).toBe(20)
  const bought = await numbers()
  expect(bought.map(({ id }) => id).toSorted()).toEqual(config20.map(({ resourceId }) => resourceId).toSorted())
  expect(bought.map(({ instanceId }) => instanceId).toSorted()).toEqual(ids.toSorted())

  const [alice = '', bob = ''] = ids
  const [alicesPhone = ''] = phones
  const stranger = '+13125550177'
  const sent = await asInstance(alice, 'post', `/tools/${alice}/sms/messages`, { to: stranger, text: 'hello from an agent' })
  expect([sent.status, sent.body]).toMatchObject([201, { direction: 'outbound', from: alicesPhone, to: stranger, state: 'sent' }])
  await control('/telnyx/messages', { from: stranger, to: alicesPhone, text: 'hello back' })
  const inbox = await eventually('the answer came in', async () => {
    const { body } = await asInstance(alice, 'get', `/tools/${alice}/sms/messages`)
    const { messages } = body as { messages: SmsMessage[] }
    return messages.some(({ direction }) => direction === 'inbound') ? messages : null
  })
  expect(inbox).toMatchObject([
    { direction: 'outbound', text: 'hello from an agent' },
    { direction: 'inbound', from: stranger, to: alicesPhone, text: 'hello back', state: 'received' },
  ])
  expect((await asInstance(bob, 'get', `/tools/${bob}/sms/messages`)).body).toEqual({ messages: [] })
  expect((await asInstance(bob, 'get', `/tools/${alice}/sms/messages`)).body).toMatchObject({ status: 403 })
  const forged = {
    data: {
      event_type: 'message.received',
      id: 'x',
      payload: { to: [{ phone_number: alicesPhone }], from: { phone_number: stranger }, text: 'forged' },
    },
  }
  await request(config.publicUrl ?? '')
    .post('/webhooks/telnyx')
    .set({
      'telnyx-timestamp': String(Math.floor(Date.now() / 1000)),
      'telnyx-signature-ed25519': Buffer.alloc(64, 7).toString('base64'),
    })
    .send(forged)
    .expect(401)

  const [{ resourceId } = { resourceId: '' }] = config20
  await eventually('it is given back', async () => (await call('delete', `/destroy/${alice}/sms/${resourceId}`)).status === 200, {
    timeoutMs: 15_000,
  })
  expect((await numbers()).map(({ id }) => id)).not.toContain(resourceId)
}, 60_000)
