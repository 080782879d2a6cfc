import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { eventually } from '@convos/sandbox/testing'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { IMAGE, isAlive, startRailway, type RailwayApi } from './support/railway-api.ts'

const NEWER_IMAGE = IMAGE.replaceAll('a'.repeat(64), 'b'.repeat(64))
const Self = z.object({ env: z.record(z.string(), z.string()), cwd: z.string(), pid: z.int(), helper: z.int().nullable() })
const self = async (domain: string) => Self.parse(await (await fetch(`http://${domain}/self`)).json())

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})
const temporaryFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}
const start = async (options: Parameters<typeof startRailway>[0] = {}) => {
  const api = await startRailway(options)
  cleanups.push(() => api.close())
  return api
}
const restart = (api: RailwayApi, id: string) =>
  api.get(z.boolean(), 'mutation DeploymentRestart($id: String!) { deploymentRestart(id: $id) }', { id })
const stop = (api: RailwayApi, id: string) =>
  api.get(z.boolean(), 'mutation DeploymentStop($id: String!) { deploymentStop(id: $id) }', { id })

test('an empty service runs nothing until a patch gives it an image; then exactly one deployment has everything', async () => {
  const api = await start()
  const shell = await api.createShell()
  expect(await api.latest(shell.serviceId, shell.environmentId)).toBeNull()

  await api.patch(shell, { GREETING: 'hello', PORT: '8080' })
  const deployment = await api.deployed(shell, 'SUCCESS', 'RUNNING')
  expect(deployment).toMatchObject({ deploymentStopped: false, meta: { image: IMAGE } })

  const [project] = await api.resources()
  expect(project?.deployments).toHaveLength(1)
  expect(project?.deployments[0]).toMatchObject({
    id: deployment.id,
    image: IMAGE,
    volumeMounted: true,
    domain: shell.domain,
    variables: {
      GREETING: 'hello',
      PORT: '8080',
      RAILWAY_PROJECT_ID: shell.projectId,
      RAILWAY_DEPLOYMENT_ID: deployment.id,
      RAILWAY_PUBLIC_DOMAIN: shell.domain,
      RAILWAY_VOLUME_MOUNT_PATH: '/data',
    },
  })
})

test('the process gets its variables, a local port and volume folder, and nothing of the sandbox itself', async () => {
  process.env.SANDBOX_TEST_SECRET = 'not for agents'
  cleanups.push(async () => delete process.env.SANDBOX_TEST_SECRET)
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, { GREETING: 'hello', PORT: '8080' })
  await api.deployed(shell, 'SUCCESS')

  const { env, cwd, pid } = await self(shell.domain)
  const given = (await api.resources())[0]?.deployments[0]?.variables ?? {}
  // The shell around it may leave a `_`.
  expect(
    Object.keys(env)
      .filter((name) => name !== '_')
      .toSorted(),
  ).toEqual([...Object.keys(given), 'HOME', 'PATH'].toSorted())
  expect(env).toMatchObject({ GREETING: 'hello', PORT: shell.domain.split(':')[1], HOME: cwd })
  expect(env.RAILWAY_VOLUME_MOUNT_PATH).toContain(shell.volumeId)
  expect(pid).toBe(await api.pid(shell))
})

test('without a domain or volume at its start, a deployment is told of neither', async () => {
  const api = await start()
  const project = await api.createProject()
  const environmentId = project.environments[0]?.id ?? ''
  const service = await api.createService({ projectId: project.id, environmentId })
  await api.commit(environmentId, { services: { [service.id]: { source: { image: IMAGE } } } })
  const deployment = (await api.resources())[0]?.deployments[0]
  expect(deployment).toMatchObject({ volumeMounted: false, domain: null })
  expect(Object.keys(deployment?.variables ?? {})).not.toEqual(expect.arrayContaining(['RAILWAY_PUBLIC_DOMAIN']))
  expect(Object.keys(deployment?.variables ?? {})).not.toEqual(expect.arrayContaining(['RAILWAY_VOLUME_MOUNT_PATH']))

  await api.createVolume({ projectId: project.id, environmentId, serviceId: service.id })
  expect((await api.resources())[0]?.deployments.map((d) => d.volumeMounted)).toEqual([false, true])
})

test('a new image replaces the old process, keeps volume and domain, and removes the old deployment', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, {})
  const first = await api.deployed(shell, 'SUCCESS')
  await fetch(`http://${shell.domain}/note`, { method: 'PUT' })
  const before = await self(shell.domain)

  await api.patch(shell, {}, {}, NEWER_IMAGE)
  const second = await eventually('the new deployment', async () => {
    const seen = await api.deployed(shell, 'SUCCESS')
    return seen.id === first.id ? null : seen
  })
  expect(second.meta.image).toBe(NEWER_IMAGE)
  expect(isAlive(before.pid)).toBe(false)
  expect(await (await fetch(`http://${shell.domain}/note`)).text()).toBe('kept')
  await eventually('the old one removed', async () => {
    const statuses = (await api.resources())[0]?.deployments.map((d) => d.status)
    return JSON.stringify(statuses) === '["REMOVED","SUCCESS"]'
  })
})

test('a deployment that never becomes healthy fails when its time is over', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, { BEHAVIOUR: 'ailing' }, { healthcheckTimeout: 120 })
  await api.deployed(shell, 'DEPLOYING', 'RUNNING')
  api.clock.advance(121_000)
  const failed = await api.deployed(shell, 'FAILED', 'EXITED')
  expect(failed.deploymentStopped).toBe(true)
})

test('a process that is killed comes back under the same deployment', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, {})
  const { id } = await api.deployed(shell, 'SUCCESS')
  const pid = await api.pid(shell)
  process.kill(pid, 'SIGKILL')
  await eventually('another process', async () => (await self(shell.domain)).pid !== pid)
  expect(await api.latest(shell.serviceId, shell.environmentId)).toMatchObject({ id, status: 'SUCCESS' })
})

test('a process that keeps dying is CRASHED once its retries are used up; a restart gives it another chance', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, { BEHAVIOUR: 'crashes' }, { restartPolicyMaxRetries: 2 })
  const crashed = await api.deployed(shell, 'CRASHED', 'CRASHED')
  const Lines = z.array(z.object({ message: z.string(), timestamp: z.string().regex(/\.\d{9}Z$/) }))
  const query = 'query ($id: String!, $limit: Int) { deploymentLogs(deploymentId: $id, limit: $limit) { message timestamp } }'
  const logs = await api.get(Lines, query, { id: crashed.id })
  expect(logs.map((line) => line.message)).toEqual(Array(3).fill('agent begins as crashes'))
  expect(await api.get(Lines, query, { id: crashed.id, limit: 1 })).toHaveLength(2)

  await restart(api, crashed.id)
  await api.deployed(shell, 'CRASHED', 'CRASHED')
  await eventually('three more starts', async () => (await api.get(Lines, query, { id: crashed.id })).length === 6)
})

test('a process that ends by itself with 0 leaves SUCCESS, stopped', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, { BEHAVIOUR: 'completes' })
  expect(await api.deployed(shell, 'SUCCESS', 'EXITED')).toMatchObject({ deploymentStopped: true })
})

test('stop keeps SUCCESS and the volume, restart brings the same deployment back', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, {})
  const { id } = await api.deployed(shell, 'SUCCESS')
  await fetch(`http://${shell.domain}/note`, { method: 'PUT' })

  await stop(api, id)
  expect(await api.deployed(shell, 'SUCCESS', 'EXITED')).toMatchObject({ id, deploymentStopped: true })
  await expect(stop(api, id)).rejects.toThrow('Deployment is not stoppable')

  await restart(api, id)
  expect(await api.deployed(shell, 'SUCCESS', 'RUNNING')).toMatchObject({ id, deploymentStopped: false })
  const note = await eventually('the note', async () => (await fetch(`http://${shell.domain}/note`)).text())
  expect(note).toBe('kept')
})

test('deleting the project ends the process and whatever it had started', async () => {
  const api = await start()
  const shell = await api.createShell()
  await api.patch(shell, { BEHAVIOUR: 'helped' })
  await api.deployed(shell, 'SUCCESS')
  const { pid, helper } = await self(shell.domain)
  expect(isAlive(helper ?? 0)).toBe(true)

  await api.get(z.boolean(), 'mutation ProjectDelete($id: String!) { projectDelete(id: $id) }', { id: shell.projectId })
  expect(await api.resources()).toEqual([])
  await eventually('both gone', () => !isAlive(pid) && !isAlive(helper ?? 0))
})

test('after a restart of the simulator everything runs again: same port, same variables, same volume', async () => {
  const folder = await temporaryFolder()
  const options = { stateFile: join(folder, 'state.json'), dataDir: join(folder, 'railway') }
  const first = await startRailway(options)
  const shell = await first.createShell()
  await first.patch(shell, { GREETING: 'hello' })
  const { id } = await first.deployed(shell, 'SUCCESS')
  await fetch(`http://${shell.domain}/note`, { method: 'PUT' })
  const before = await self(shell.domain)
  first.clock.advance(5_000)
  await first.close()
  expect(isAlive(before.pid)).toBe(false)

  const second = await start({ ...options, port: Number(new URL(first.url).port) })
  expect(second.clock.offsetMs()).toBe(5_000)
  expect(await second.latest(shell.serviceId, shell.environmentId)).toMatchObject({ id, status: 'SUCCESS' })
  const after = await eventually('the process', () => self(shell.domain))
  expect({ ...after.env, _: '' }).toEqual({ ...before.env, _: '' })
  expect(await (await fetch(`http://${shell.domain}/note`)).text()).toBe('kept')
})

test('closing does not wait for a process that ignores SIGTERM', async () => {
  const api = await startRailway()
  const shell = await api.createShell()
  await api.patch(shell, { BEHAVIOUR: 'stubborn' })
  await api.deployed(shell, 'SUCCESS')
  const pid = await api.pid(shell)
  const began = performance.now()
  await api.close()
  expect(isAlive(pid)).toBe(false)
  expect(performance.now() - began).toBeLessThan(4_000)
})

test('a simulator that is killed leaves no process behind', async () => {
  const folder = await temporaryFolder()
  const script = `
    import { startRailway } from ${JSON.stringify(join(import.meta.dirname, 'support/railway-api.ts'))}
    const api = await startRailway({ dataDir: ${JSON.stringify(folder)} })
    const shell = await api.createShell()
    await api.patch(shell, { BEHAVIOUR: 'helped' })
    await api.deployed(shell, 'SUCCESS')
    console.log(shell.domain)
  `
  const simulator = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(async () => simulator.kill('SIGKILL'))
  const domain = await new Promise<string>((resolve) => simulator.stdout.once('data', (chunk) => resolve(String(chunk).trim())))
  const { pid, helper } = await self(domain)
  simulator.kill('SIGKILL')
  await eventually('both gone', () => !isAlive(pid) && !isAlive(helper ?? 0))
})
