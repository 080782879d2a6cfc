import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '@convos/kit'
import { eventually } from '@convos/sandbox/testing'
import { expect, onTestFinished, test } from 'vitest'
import { spawnBox } from './support/box.ts'
import { gatewayWorld, openGatewayBox } from './support/gateway.ts'
import { processesWith } from './support/processes.ts'

test('a box is ready when its gateway says so, and clean until the first turn', async () => {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w, {}, { ready: false })
  expect(await box.health()).toMatchObject({ ready: false, clean: true })
  await eventually('it is ready', async () => (await box.health()).ready)
  expect(await box.health()).toMatchObject({ ready: true, clean: true, fault: null })
})

test('ready is true only now: a warm box whose gateway stops answering is not handed out', async () => {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w, { gatewayProbeTimeoutMs: 50 })
  w.misbehave({ deaf: true })
  const health = await eventually('it is not ready', async () => {
    const seen = await box.health()
    return seen.ready ? null : seen
  })
  expect(health).toMatchObject({ clean: true, fault: 'it does not answer' })
})

test('a gateway that does not answer for long is ended, and another one started', async () => {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w, { gatewayProbeTimeoutMs: 50, gatewayHangMs: 200 })
  w.misbehave({ deaf: true, stubborn: true })
  await eventually('a second gateway', () => w.starts().length >= 2)
  w.misbehave({})
  await eventually('it is ready', async () => (await box.health()).ready)
})

test('a gateway that never becomes ready is ended, and another one started', async () => {
  const w = await gatewayWorld()
  w.misbehave({ boots: 'never' })
  const box = await openGatewayBox(w, { gatewayBootMs: 300 }, { ready: false })
  await eventually('it says what it lacks', async () => (await box.health()).fault?.includes('convos'))
  await eventually('a second gateway', () => w.starts().length >= 2)
})

test('one that keeps failing is given up visibly, and tried again now and then', async () => {
  const w = await gatewayWorld()
  const lines: string[] = []
  const log = createLogger('agent-server', 'warn', { write: (line) => void lines.push(line) })
  w.misbehave({ crashes: true })
  const box = await openGatewayBox(w, { gatewayGiveUpAfter: 3, gatewayRetryMs: 500 }, { ready: false, log })
  await eventually('it is given up', () => lines.some((line) => line.includes('does not come up')))
  expect(w.starts()).toHaveLength(3)
  expect(await box.health()).toMatchObject({ ready: false, fault: expect.stringContaining('no configuration') })
  w.misbehave({})
  await eventually('it is ready after all', async () => (await box.health()).ready)
})

test('a bound agent counts as ready while its gateway restarts, and not when that takes too long', async () => {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w, { gatewayAwayBudgetMs: 1_500 })
  await box.provision()
  w.misbehave({ crashes: true })
  process.kill(w.starts()[0] ?? 0, 'SIGKILL')
  await eventually('the gateway is gone', async () => (await box.health()).fault)
  expect(await box.health()).toMatchObject({ ready: true, binding: 'active' })
  await eventually('it is away for too long', async () => !(await box.health()).ready)
})

test('nothing of a killed gateway survives, in its process group or out of it', async () => {
  const w = await gatewayWorld()
  w.misbehave({ forks: true })
  await openGatewayBox(w)
  const before = w.processes().map(({ pid }) => pid)
  expect(before).toHaveLength(3)
  w.misbehave({})
  process.kill(w.starts()[0] ?? 0, 'SIGKILL')
  await eventually('another gateway', () => w.starts().length === 2)
  expect(w.processes().filter(({ pid }) => before.includes(pid))).toEqual([])
})

test('SIGTERM ends the gateway as well, a stubborn one too', async () => {
  const w = await gatewayWorld()
  w.misbehave({ forks: true, stubborn: true })
  const box = await spawnBox(w)
  await eventually('the gateway is ready', async () => (await box.health()).ready)
  expect(await box.terminate()).toBe(0)
  expect(w.processes()).toEqual([])
})

test('a gateway does not outlive an agent server that was killed', async () => {
  const w = await gatewayWorld()
  w.misbehave({ forks: true })
  const box = await spawnBox(w)
  await eventually('the gateway is ready', async () => (await box.health()).ready)
  await box.kill()
  await eventually('all of it is gone', () => w.processes().length === 0)
})

test('the control token reaches no process of the gateway, and no log line shows a secret', async () => {
  const w = await gatewayWorld({ SETUP_PASSWORD: 'a-password-of-the-owner', SOMETHING_NEW: 'unlisted' })
  w.misbehave({ forks: true })
  const lines: string[] = []
  const log = createLogger('agent-server', 'debug', { write: (line) => void lines.push(line) })
  await openGatewayBox(w, {}, { log })
  const environ = w.processes().flatMap((process) => process.environ)
  const names = environ.map((variable) => variable.split('=')[0])
  expect(environ.join('\n')).not.toContain(w.config.controlToken)
  for (const name of ['INSTANCE_CONTROL_TOKEN', 'SETUP_PASSWORD', 'SOMETHING_NEW']) expect(names).not.toContain(name)
  for (const name of ['OPENCLAW_GATEWAY_TOKEN', 'OPENROUTER_API_KEY', 'AGENT_LINK_TOKEN', 'AGENT_LINK_URL'])
    expect(names).toContain(name)
  expect(lines.join('')).toContain('starting with [redacted]')
  expect(lines.join('')).not.toContain(w.env['OPENROUTER_API_KEY'])
})

test('reset: the very files of a first boot', async () => {
  const w = await gatewayWorld()
  const listing = () =>
    ['openclaw', 'workspace']
      .flatMap((folder) => readdirSync(join(w.volume, folder), { recursive: true, encoding: 'utf8' }))
      .toSorted()
  const box = await openGatewayBox(w)
  const firstBoot = listing()
  const { body } = await box.provision()
  w.network.say(w.network.only, 'hello')
  await eventually('an answer', () => w.network.only.said.length === 1)
  expect(body['status']).toBe('active')
  expect(listing()).not.toEqual(firstBoot)
  expect((await box.health()).clean).toBe(false)

  expect((await box.call('POST', '/pool/reset')).body).toMatchObject({ ok: true, clean: true })
  await eventually('it is ready again', async () => (await box.health()).ready)
  expect(listing()).toEqual(firstBoot)
  expect(await box.health()).toMatchObject({ clean: true, binding: 'none' })
})

test.for([
  ['a file more in the workspace', (volume: string) => ['touch', join(volume, 'workspace/notes.md')]],
  ['a seeded file that was changed', (volume: string) => ['cp', '/etc/hostname', join(volume, 'workspace/SOUL.md')]],
  ['a session', (volume: string) => ['mkdir', join(volume, 'openclaw/agents')]],
] as const)('%s is not clean', async ([, command]) => {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w)
  const [program, ...args] = command(w.volume)
  await new Promise((resolve) => spawn(program ?? '', args).once('close', resolve))
  expect((await box.health()).clean).toBe(false)
})

test('other processes of this machine are left alone', async () => {
  const w = await gatewayWorld()
  const file = join(w.volume, 'agent/env.json')
  const other = spawn('sleep', ['600'], { env: { ...process.env, AGENT_ENV_FILE: `${file}.other` }, stdio: 'ignore' })
  onTestFinished(() => void other.kill('SIGKILL'))
  const box = await openGatewayBox(w)
  await box.close()
  expect(w.processes()).toEqual([])
  expect(processesWith(`AGENT_ENV_FILE=${file}.other`).map(({ pid }) => pid)).toEqual([other.pid])
})
