import { readFileSync } from 'node:fs'
import { mkdir, rm, rmdir } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { text as all } from 'node:stream/consumers'
import { createLogger, systemClock } from '@convos/kit'
import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { startChild } from '../src/convos/child.ts'
import { Driver } from '../src/convos/driver.ts'
import { limits } from '../src/limits.ts'
import { stateFolder } from '../src/state/folder.ts'
import { openBox, world, type World } from './support/box.ts'

const attachments = (w: World) => w.network.questions.filter(({ op }) => op === 'attach').length

test('a driver that dies is started again, and what was said meanwhile is answered once', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  const { only } = w.network
  w.network.say(only, 'one')
  await eventually('the first answer', () => only.said.length === 1)

  // the next question of the running one fails, and it ends
  w.network.down.add('events')
  w.network.say(only, 'two')
  await eventually('it is started again', () => attachments(w) > 0)
  w.network.down.clear()
  await eventually('the second answer', () => only.said.length === 2)
  expect(only.said.map(({ text }) => text)).toEqual(['re: Alice: one', 're: Alice: two'])
  expect(await box.health()).toMatchObject({ ready: true })
})

test('a bound agent whose driver stays away is not ready; the box stays bound, and is ready when it is back', async () => {
  const w = await world()
  const box = await openBox(w, { driverAwayBudgetMs: 50, driverRestartMaxMs: 50 })
  await box.provision()
  w.network.down.add('events').add('attach')
  w.network.say(w.network.only, 'anybody?')
  await eventually('it is not ready', async () => !(await box.health()).ready)
  expect(await box.health()).toMatchObject({ ready: false, binding: 'active', conversationId: w.network.only.id })
  w.network.down.clear()
  await eventually('it is ready again', async () => (await box.health()).ready)
  await eventually('it answered', () => w.network.only.said.length === 1)
})

test('a driver tells only what is said while it runs: what was said before is looked up, in order, and answered once', async () => {
  const w = await world()
  w.network.replays = false
  const box = await openBox(w)
  await box.provision()
  w.network.say(w.network.only, 'one')
  await eventually('the first answer', () => w.network.only.said.length === 1)
  const gate = w.network.gate('before', 'attach')
  w.network.emit(w.network.only, 'exit')
  await gate.reached
  w.network.say(w.network.only, 'two')
  w.network.say(w.network.only, 'three')
  gate.open()
  await eventually('all are answered', () => w.network.only.said.length === 3)
  w.network.say(w.network.only, 'four')
  await eventually('the next is', () => w.network.only.said.length === 4)
  expect(w.network.only.said.map(({ text }) => text)).toEqual(['one', 'two', 'three', 'four'].map((each) => `re: Alice: ${each}`))
})

test('a driver that beats and tells nothing any more is found out, and started again', async () => {
  const w = await world()
  w.network.replays = false
  const box = await openBox(w, { missedLookMs: 200 })
  await box.provision()
  const { only } = w.network
  w.network.emit(only, 'deafen')
  w.network.say(only, 'anybody?')
  await eventually('it answered', () => only.said.length === 1)
  await eventually('it is started again', () => attachments(w) > 0)
})

test('what cannot be noted is heard again once it can', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  // a folder where the journal is about to be written
  const inTheWay = stateFolder(w.config.stateDir).journal
  await rm(inTheWay)
  await mkdir(inTheWay)
  w.network.say(w.network.only, 'anybody?')
  await eventually('the driver begins anew', () => attachments(w) > 0)
  expect(w.network.only.said).toEqual([])
  await rmdir(inTheWay)
  await eventually('it answered', () => w.network.only.said.length === 1)
})

test('a driver that hangs is ended and started again, and what was said meanwhile is answered', async () => {
  const w = await world()
  const box = await openBox(w, { driverHeartbeatMs: 100, driverSilentMs: 1_500, driverAwayBudgetMs: 60_000 })
  await box.provision()
  const { only } = w.network
  w.network.emit(only, 'hang')
  // where it is told again what it was told, it would hang again
  w.network.replays = false
  await eventually('it is started again', () => attachments(w) > 0)
  w.network.say(only, 'still there?')
  await eventually('it answered', () => only.said.length === 1)
})

test('however much nonsense it talks, the log stays short', async () => {
  const w = await world()
  const out = new PassThrough()
  const log = createLogger('agent-server', 'warn', out)
  const box = await openBox(w, {}, log)
  await box.provision()
  for (let i = 0; i < 300; i++) {
    w.network.emit(w.network.only, `nonsense ${i}`)
    w.network.emit(w.network.only, { event: 'error', message: `the stream broke ${i}` })
  }
  w.network.say(w.network.only, 'hello')
  await eventually('it answered', () => w.network.only.said.length === 1)
  out.end()
  // the first, the tenth and the hundredth of each
  expect((await all(out)).trim().split('\n')).toHaveLength(6)
})

test('an invite that the network made anew is told from then on', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  w.network.only.inviteUrl = 'https://invite.example/v2?i=another'
  await box.close()
  const again = await openBox(w)
  await eventually('it is told', async () => (await again.health()).inviteUrl === 'https://invite.example/v2?i=another')
})

/** A driver whose process is the test itself. */
function handheld() {
  const told: object[] = []
  const heard: string[] = []
  const exited = Promise.withResolvers<{ code: number; reason: string }>()
  let onLine: ((line: string) => void) | null = null
  const cli = {
    serve: (p: { onLine: (line: string) => void }) => {
      onLine = p.onLine
      return { exited: exited.promise, tell: (command: object) => void told.push(command), stop: async () => {} }
    },
    hasIdentity: () => true,
    join: async () => ({ status: 'waiting' }) as const,
    conversation: async () => null,
    messages: async () => [],
  }
  const listener = {
    ready: () => void heard.push('ready'),
    message: ({ text }: { text: string }) => heard.push(text) > 0,
    memberJoined() {},
    profile() {},
    exploding() {},
  }
  const driver = new Driver({ cli, clock: systemClock, log: createLogger('test', 'silent'), limits, listener })
  driver.start({ conversationId: async () => 'v1', agentName: () => 'Ada' })
  return {
    driver,
    told,
    heard,
    started: () => eventually('it is started', () => onLine !== null),
    says: (event: object) => onLine?.(JSON.stringify(event)),
    exits: () => exited.resolve({ code: 0, reason: '' }),
  }
}
const READY = { event: 'ready', conversationId: 'v1', inboxId: 'me' }

test('once it is stopped nothing more is said, however long the process takes to end', async () => {
  const { driver, told, started, says, exits } = handheld()
  await started()
  says(READY)
  expect(driver.attached).toBe(true)
  const stopped = driver.stop()
  driver.whisper({ type: 'typing', isTyping: true })
  const late = driver.act({ type: 'send', id: 'a', text: 'too late' }, AbortSignal.timeout(100))
  await expect(late).rejects.toThrow('timeout')
  expect(told).toEqual([{ type: 'stop' }])
  exits()
  await stopped
})

test('a process that goes because it was told to has ended no conversation', async () => {
  const { driver, started, says, exits } = handheld()
  await started()
  says(READY)
  const ending = driver.act({ type: 'explode' }, AbortSignal.timeout(10_000))
  const outcome = expect(ending).rejects.toThrow('went away before it had confirmed it')
  const stopped = driver.stop()
  exits()
  await Promise.all([stopped, outcome])
})

test('what is told before it is ready is heard once it is clear who is who', async () => {
  const { driver, heard, started, says, exits } = handheld()
  await started()
  const message = { event: 'message', id: 'm1', contentType: 'text', sentAt: '2030-01-01T00:00:00Z' }
  says({ ...message, senderInboxId: 'alice', content: 'early' })
  says({ ...message, senderInboxId: 'me', content: 'my own' })
  expect(heard).toEqual([])
  says(READY)
  expect(heard).toEqual(['ready', 'early'])
  exits()
  await driver.stop()
})

test('a command that cannot be run leaves the claim working and the server alive', async () => {
  const w = await world({ CONVOS_BIN: '/nonexistent/convos' })
  const box = await openBox(w, { createDeadlineMs: 100 })
  expect(await box.provision()).toMatchObject({ status: 504 })
  expect(await box.health()).toMatchObject({ binding: 'working', ready: true })
})

test('a send that was not confirmed, and did not happen, is sent again under the same id', async () => {
  const w = await world()
  const box = await openBox(w, { sendAckMs: 200 })
  await box.provision()
  w.network.ignores.add('send')
  w.network.say(w.network.only, 'hello')
  await eventually('it was tried twice', () => w.network.commanded('send').length >= 2)
  w.network.ignores.clear()
  await eventually('it is said', () => w.network.only.said.length === 1)
  expect(new Set(w.network.commanded('send').map(({ id }) => id)).size).toBe(1)
})

test('a send that was not confirmed is looked for before it is sent again, and stored once', async () => {
  const w = await world()
  w.network.keepsIds = false
  const box = await openBox(w, { sendAckMs: 200 })
  await box.provision()
  const gate = w.network.gate('after', 'command')
  w.network.say(w.network.only, 'hello')
  await eventually('it was looked for', () => w.network.questions.some(({ op }) => op === 'messages'))
  gate.open()
  w.network.say(w.network.only, 'next')
  await eventually('the next is answered', () => w.network.only.said.length === 2)
  expect(w.network.only.said.map(({ text }) => text)).toEqual(['re: Alice: hello', 're: Alice: next'])
})

test('an answer that was said, which could not be noted, is looked for before it is said again', async () => {
  const w = await world()
  w.network.keepsIds = false
  const box = await openBox(w)
  await box.provision()
  const { only } = w.network
  const gate = w.network.gate('after', 'command')
  w.network.say(only, 'hello')
  await eventually('it is stored', () => only.said.length === 1)
  const inTheWay = stateFolder(w.config.stateDir).journal
  await rm(inTheWay)
  await mkdir(inTheWay)
  gate.open()
  await eventually('it typed no more', () => w.network.commands.some((command) => command['isTyping'] === false))
  await rmdir(inTheWay)
  w.network.say(only, 'next')
  await eventually('the next is answered', () => only.said.some(({ text }) => text === 're: Alice: next'))
  expect(only.said.map(({ text }) => text)).toEqual(['re: Alice: hello', 're: Alice: next'])
})

test('a name that looks like an option is a name', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision({ agentName: '--help' })
  expect(w.network.only).toMatchObject({ name: '--help', names: ['--help'] })
})

test('what a child started ends with it', async () => {
  const lines: string[] = []
  const child = startChild('/bin/sh', ['-c', 'sleep 600 & echo $!'], { env: {}, onLine: (line) => void lines.push(line) })
  expect(await child.exited).toEqual({ code: 0, reason: '' })
  const pid = Number(lines[0])
  expect(pid).toBeGreaterThan(1)
  await eventually('the grandchild is gone', () => !isRunning(pid))
})

test('why a child ended is told without the invites in it', async () => {
  const said = 'echo "Invite URL: https://dev.convos.example/v2?i=let-me-in" >&2; exit 3'
  const child = startChild('/bin/sh', ['-c', said], { env: {}, onLine: () => {} })
  expect(await child.exited).toEqual({ code: 3, reason: 'Invite URL: https://dev.convos.example/v2?i=…' })
})

test('a child that does not listen to TERM is killed with its group', async () => {
  const lines: string[] = []
  const child = startChild('/bin/sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 600 & wait; done'], {
    env: {},
    onLine: (line) => void lines.push(line),
  })
  await eventually('it is up', () => lines.length > 0)
  await child.stop(100)
  expect((await child.exited).code).toBeNull()
})

/** Neither gone nor a zombie that only waits to be collected. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
