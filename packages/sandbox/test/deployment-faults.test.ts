import { eventually, scoped } from '@convos/sandbox/testing'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { simClock } from '../src/simulators/core/clock.ts'
import { createFates } from '../src/simulators/railway/fates.ts'
import type { Hosted } from '../src/simulators/railway/hosts/host.ts'
import type { Deployment } from '../src/simulators/railway/state.ts'
import { IMAGE } from './support/railway-api.ts'
import { startVirtual, type VirtualRailway } from './support/virtual-instances.ts'

const DEPLOYMENT: Deployment = {
  id: 'd1',
  projectId: 'p1',
  environmentId: 'e1',
  serviceId: 's1',
  status: 'DEPLOYING',
  statusUpdatedAt: '2030-01-01T00:00:00Z',
  stopped: true,
  instance: null,
  createdAt: '2030-01-01T00:00:00Z',
  updatedAt: '2030-01-01T00:00:00Z',
  image: IMAGE,
  deploy: {},
  variables: {},
  volumeId: null,
  domain: null,
  address: '127.1.0.1:20000',
  instanceId: null,
  fate: null,
}

let api: VirtualRailway
let last = 0
beforeAll(async () => {
  api = await startVirtual()
})
afterEach(() => void api.faults.clear())
afterAll(() => api.close())

const newId = () => `agent${String(++last).padStart(7, '0')}`
const restart = (id: string) => api.get(z.boolean(), 'mutation ($id: String!) { deploymentRestart(id: $id) }', { id })
const statusOf = async ({ call }: { call: (method: string, path: string) => Promise<{ status: number }> }) =>
  (await call('GET', '/pool/health')).status
/** Lets simulated time pass until something is so; nobody waits out the pauses between restarts. */
const inTime = <T>(what: string, check: () => Promise<T>) =>
  eventually(what, async () => {
    api.clock.advance(5_000)
    return check()
  })

test('fail: no container is ever made, and what ran before goes on', async () => {
  const box = await api.instance(newId())
  await box.provision('c1')
  api.addFault({ kind: 'deployment', how: 'fail' }, { operation: 'EnvironmentPatchCommit' }, 1)
  await box.redeploy({ NEWER: '1' })
  const failed = await api.deployed(box.shell, 'FAILED')
  expect(failed.deploymentStopped).toBe(true)
  expect(await box.health()).toMatchObject({ ready: true, claimId: 'c1' })
  await box.redeploy({ NEWER: '2' })
  await box.up()
})

test('a rule picks the deployments of one cause, or of one instance', async () => {
  api.addFault({ kind: 'deployment', how: 'fail' }, { operation: 'serviceInstanceDeployV2' })
  const box = await api.instance(newId())
  const { serviceId, environmentId } = box.shell
  await api.get(z.string(), `mutation { serviceInstanceDeployV2(serviceId: "${serviceId}", environmentId: "${environmentId}") }`)
  await api.deployed(box.shell, 'FAILED')

  const unlucky = newId()
  api.addFault({ kind: 'deployment', how: 'fail' }, { instanceId: unlucky })
  const [doomed] = await Promise.all([api.begin(unlucky), api.instance(newId())])
  await api.deployed(doomed.shell, 'FAILED')
})

test('crash-loop: RESTARTING until the retries are used up, then CRASHED; a restart revives it', async () => {
  api.addFault({ kind: 'deployment', how: 'crash-loop' }, {}, 1)
  const box = await api.begin(newId(), {}, { restartPolicyMaxRetries: 3 })
  const seen = new Set<string | undefined>()
  const crashed = await inTime('it is CRASHED', async () => {
    const latest = await api.latest(box.shell.serviceId, box.shell.environmentId)
    seen.add(latest?.instances[0]?.status)
    return latest?.status === 'CRASHED' ? latest : null
  })
  expect([...seen]).toContain('CRASHED')
  expect(await statusOf(box)).toBe(404)
  await restart(crashed.id)
  expect((await box.up()).id).toBe(crashed.id)
  await eventually('it answers', async () => (await statusOf(box)) === 200)
})

test('slow: DEPLOYING for as long as the rule says', async () => {
  api.addFault({ kind: 'deployment', how: 'slow', ms: 600_000 }, {}, 1)
  const box = await api.begin(newId())
  await api.deployed(box.shell, 'DEPLOYING', 'INITIALIZING')
  api.clock.advance(599_000)
  expect(await api.latest(box.shell.serviceId, box.shell.environmentId)).toMatchObject({ status: 'DEPLOYING' })
  api.clock.advance(1_000)
  await box.up()
})

test('oom: it comes up, is killed, comes up again, and in the end is CRASHED; its log says why', async () => {
  api.addFault({ kind: 'deployment', how: 'oom', ms: 5_000 }, {}, 1)
  const box = await api.begin(newId(), {}, { restartPolicyMaxRetries: 1 })
  await box.up()
  const crashed = await inTime('it is CRASHED', async () => {
    const latest = await api.latest(box.shell.serviceId, box.shell.environmentId)
    return latest?.status === 'CRASHED' ? latest : null
  })
  const Lines = z.array(z.object({ message: z.string() }).transform(({ message }) => message))
  const logs = await api.get(Lines, 'query ($id: String!) { deploymentLogs(deploymentId: $id) { message } }', { id: crashed.id })
  expect(logs.filter((line) => line === 'out of memory: killed')).toHaveLength(2)
})

test('sleep: SLEEPING and stopped with its instance RUNNING, until a request wakes it, which itself gets a 502', async () => {
  api.addFault({ kind: 'deployment', how: 'sleep', ms: 30_000 }, {}, 1)
  const box = await api.instance(newId())
  await box.provision('c1')
  api.clock.advance(30_000)
  const asleep = await api.deployed(box.shell, 'SLEEPING', 'RUNNING')
  expect(asleep.deploymentStopped).toBe(true)
  await expect(restart(asleep.id)).rejects.toThrow('Deployment is not restartable')

  expect(await statusOf(box)).toBe(502)
  await eventually('it is awake', async () => (await statusOf(box)) === 200)
  expect(await box.up()).toMatchObject({ id: asleep.id, deploymentStopped: false })
  expect(await box.health()).toMatchObject({ claimId: 'c1' })
})

test('whoever is killed for its memory has failed, however well it took the signal', async () => {
  const clock = simClock()
  const { promise: exited, resolve } = Promise.withResolvers<number>()
  const graceful: Hosted = { pid: null, exited, healthy: async () => true, stop: async () => resolve(0) }
  const { launch } = createFates({ start: async () => graceful, clock, bootDelayMs: () => 0 })
  const doomed = { ...DEPLOYMENT, fate: { kind: 'deployment', how: 'oom', ms: 5_000 } as const }
  const hosted = await launch(doomed, () => {}, new AbortController().signal)
  clock.advance(5_000)
  expect(await hosted.exited).toBe(137)
})

test('where instances are processes, too, they crash and run out of memory', async () => {
  const processes = scoped(await startVirtual({ host: 'process' }))
  processes.addFault({ kind: 'deployment', how: 'oom', ms: 1 }, { operation: 'environmentPatchCommit' }, 1)
  const shell = await processes.createShell()
  await processes.patch(shell, {}, { restartPolicyMaxRetries: 0 })
  const { id } = await processes.deployed(shell, 'CRASHED', 'CRASHED')
  await processes.get(z.boolean(), 'mutation ($id: String!) { deploymentRestart(id: $id) }', { id })
  expect((await processes.deployed(shell, 'SUCCESS', 'RUNNING')).id).toBe(id)
})
