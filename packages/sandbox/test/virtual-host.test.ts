import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { eventually, scoped, temporaryFolder } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { callInstance, startVirtual } from './support/virtual-instances.ts'

const start = async (options: Parameters<typeof startVirtual>[0] = {}) => scoped(await startVirtual(options))

test('each instance has a loopback address of its own, behind the same port', async () => {
  const api = await start()
  const [one, other] = await Promise.all([api.instance('aaaaaaaaaaaa'), api.instance('bbbbbbbbbbbb')])
  const [ip = '', port] = one.shell.domain.split(':')
  expect(one.shell.domain).toMatch(/^127\.[1-9]\d*\.\d+\.\d+:\d+$/)
  expect(other.shell.domain).not.toBe(one.shell.domain)
  expect(other.shell.domain.split(':')[1]).toBe(port)

  await one.provision('claim-1')
  expect(await one.health()).toMatchObject({ binding: 'active', claimId: 'claim-1' })
  expect(await other.health()).toMatchObject({ binding: 'none', clean: true })
  // Told apart by where the connection came in, whatever its Host header says.
  const lied = await fetch(`http://${other.shell.domain}/pool/health`, { headers: { host: ip } })
  expect(await lied.json()).toMatchObject({ clean: true })
  expect((await callInstance(`127.0.0.1:${port}`, 'GET', '/pool/health')).status).toBe(404)
})

test('nobody gets in from another machine', async () => {
  const api = await start()
  const { shell } = await api.instance()
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  if (!outside) return expect((await callInstance(shell.domain, 'GET', '/pool/health')).status).toBe(200)
  await expect(callInstance(`${outside.address}:${shell.domain.split(':')[1]}`, 'GET', '/pool/health')).rejects.toThrow(
    'fetch failed',
  )
})

test('an address at which nothing runs is a 404 of the platform, an instance that is starting a 502', async () => {
  const api = await start({ bootMs: 60_000 })
  const { shell } = await api.begin('abc123def456')
  const ask = async () => (await callInstance(shell.domain, 'GET', '/pool/health')).status
  expect(await ask()).toBe(404)
  await eventually('it starts', async () => (await ask()) === 502)
  api.clock.advance(60_000)
  await api.deployed(shell, 'SUCCESS', 'RUNNING')
  expect(await ask()).toBe(200)
})

test('what an instance is bound to survives a redeploy; deleting the project ends it', async () => {
  const api = await start()
  const box = await api.instance()
  const { body } = await box.provision('claim-1', { env: { MINE: 'x' } })
  await box.redeploy({ NEWER: '1' })
  await eventually('the second deployment', async () => (await api.resources())[0]?.deployments[1]?.status === 'SUCCESS')
  expect(await box.health()).toMatchObject({ binding: 'active', inviteUrl: body['inviteUrl'] })

  await api.get(z.boolean(), 'mutation ($id: String!) { projectDelete(id: $id) }', { id: box.shell.projectId })
  await eventually('it is gone', async () => (await box.call('GET', '/pool/health')).status === 404)
})

test('after a restart of the simulator everything is where and as it was', async () => {
  const folder = scoped(temporaryFolder('sandbox-virtual')).path
  const stateFile = join(folder, 'state.json')
  const first = await startVirtual({ stateFile })
  const box = await first.instance()
  const { body } = await box.provision('claim-1')
  await first.close()
  await expect(box.health()).rejects.toThrow('fetch failed')

  const second = await start({ stateFile })
  await eventually('it is back', async () => (await box.call('GET', '/pool/health')).status === 200)
  expect(await box.provision('claim-1')).toMatchObject({ status: 200, body })
  const other = await second.instance('bbbbbbbbbbbb')
  expect(other.shell.domain).not.toBe(box.shell.domain)
})

test('a claim takes as long as it is told to, and shows; cut short by a crash, it goes on at the next start', async () => {
  const api = await start({ answerMs: { provision: 60_000 } })
  const box = await api.instance()
  const cut = box.provision('claim-1')
  await eventually('it works', async () => (await box.health())['binding'] === 'working')
  api.addFault({ kind: 'instance', how: 'exit' }, { path: '/pool/env' }, 1)
  await expect(box.call('POST', '/pool/env', { env: {} })).rejects.toThrow('fetch failed')
  await expect(cut).rejects.toThrow('fetch failed')

  await eventually('it is back', async () => (await box.health())['binding'] === 'working')
  const again = box.provision('claim-1')
  await eventually('the claim is done', async () => {
    api.clock.advance(60_000)
    return (await box.health())['binding'] === 'active'
  })
  expect(await again).toMatchObject({ status: 200, body: { status: 'active' } })
})

test('a cancel reaches a claim that is still being worked on', async () => {
  const api = await start({ answerMs: { provision: 60_000 } })
  const box = await api.instance()
  const waiting = box.provision('claim-1')
  await eventually('it works', async () => (await box.health())['binding'] === 'working')
  expect(await box.call('POST', '/pool/cancel', { claimId: 'claim-1' })).toMatchObject({ body: { joined: false } })
  expect(await waiting).toMatchObject({ status: 409, body: { code: 'CANCELLED' } })
  expect(await box.health()).toMatchObject({ binding: 'refused', clean: false })
})

test('without the variables that an instance needs it crashes, and its log names them', async () => {
  const api = await start()
  const { shell } = await api.begin('abc123def456', { INSTANCE_CONTROL_TOKEN: '' }, { restartPolicyMaxRetries: 0 })
  const { id } = await api.deployed(shell, 'CRASHED', 'CRASHED')
  const Lines = z.array(z.object({ message: z.string() }).transform(({ message }) => message))
  const query = 'query ($id: String!) { deploymentLogs(deploymentId: $id) { message } }'
  expect(await api.get(Lines, query, { id })).toContain('bad environment: INSTANCE_CONTROL_TOKEN required')
})

test('latencies are changed while it runs; processes have none to change', async () => {
  const api = await start()
  const box = await api.instance()
  const patched = await api.control('PATCH', 'railway/settings', { bootMs: 5, answerMs: { health: 60_000 } })
  expect(await patched.json()).toMatchObject({ bootMs: 5, answerMs: { health: 60_000, provision: 0 } })
  let answered = false
  const health = box.health().finally(() => (answered = true))
  expect((await box.call('POST', '/pool/env', { env: {} })).status).toBe(200)
  expect(answered).toBe(false)
  await eventually('the answer comes', () => {
    api.clock.advance(60_000)
    return answered
  })
  expect(await health).toMatchObject({ ready: true })
})

test('hundreds of instances start and answer within seconds', async () => {
  const api = await start()
  const began = performance.now()
  const name = (n: number) => `load${String(n).padStart(8, '0')}`
  const boxes = await Promise.all(Array.from({ length: 200 }, (_, n) => api.begin(name(n))))
  await eventually(
    'all are up',
    async () => {
      const up = (await api.resources()).flatMap((p) => p.deployments).filter((d) => d.status === 'SUCCESS')
      return up.length === 200
    },
    { everyMs: 200 },
  )
  const answers = await Promise.all(boxes.map((box) => box.health()))
  expect(answers.every(({ ready, clean }) => ready === true && clean === true)).toBe(true)
  expect(new Set(boxes.map((box) => box.shell.domain)).size).toBe(200)
  expect(performance.now() - began).toBeLessThan(15_000)
})
