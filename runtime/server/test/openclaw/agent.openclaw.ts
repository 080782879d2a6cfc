import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { processesWith } from '../support/processes.ts'
import { place } from './place.ts'

const ANSWER_MS = 180_000

/** What lies on the volume, but for what a process keeps for itself while it runs, and copies of what the image holds. */
const listing = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    // empty folders are made at leisure, some after it is ready
    .flatMap((entry) => (entry.isFile() ? [relative(folder, join(entry.parentPath, entry.name))] : []))
    .filter((path) => !/-(wal|shm|journal)$|^openclaw\/(tmp|cache)\//.test(path))
    .toSorted()

/** The conversations that the gateway remembers. */
function sessionsIn(volume: string): unknown[] {
  const db = new DatabaseSync(join(volume, 'openclaw/agents/main/agent/openclaw-agent.sqlite'), { readOnly: true })
  const rows = db.prepare('select session_key from session_nodes').all()
  db.close()
  return rows.map((row) => row['session_key'])
}

test('a claim on the real gateway: answered by its instructions, in order, once, through a killed gateway, and wiped', async () => {
  const p = await place()
  const volume = p.w.env['RAILWAY_VOLUME_MOUNT_PATH'] ?? ''
  const box = await p.open()
  const firstBoot = listing(volume)
  expect(await box.health()).toMatchObject({ ready: true, clean: true, fault: null })
  const gateway = () => processesWith(`AGENT_ENV_FILE=${volume}/agent/env.json`)
  expect(gateway().length).toBeGreaterThan(0)
  expect(
    gateway()
      .flatMap(({ environ }) => environ)
      .join('\n'),
  ).not.toContain(p.w.env['INSTANCE_CONTROL_TOKEN'])

  const { body } = await box.provision({ model: 'acme/claimed' })
  const id = String(body['conversationId'])
  const alice = await p.joins(body['inviteUrl'], 'Alice')
  await eventually('the greeting', async () => (await p.texts(id)).length === 1)
  const answersTo = async (said: string) => (await p.texts(id)).filter((text) => text.includes(`“${said}”`))
  const answered = async (said: string) => {
    await eventually(`an answer to ${said}`, async () => (await answersTo(said)).length === 1, { timeoutMs: ANSWER_MS })
    return (await answersTo(said))[0]
  }

  await p.say(id, alice, 'A first question?')
  expect(await answered('A first question?')).toMatch(/^Ada here, speaking as a careful librarian:/)
  expect(box.output()).toContain('model overridden to acme/claimed')
  expect((await box.health()).clean).toBe(false)

  await box.call('PATCH', '/pool/profile', { body: { instructions: 'You are a cook in Naples.', revision: 1 } })
  const many = Array.from({ length: 20 }, (_, index) => `Message number ${index}.`)
  for (const text of many) await p.say(id, alice, text)
  await answered(many.at(-1) ?? '')
  const answers = (await p.texts(id)).filter((text) => /Message number \d+\.”/.test(text))
  expect(answers.map((text) => /Message number \d+\./.exec(text)?.[0])).toEqual(many)
  expect(answers.every((text) => text.startsWith('Ada here, speaking as a cook in Naples:'))).toBe(true)

  const before = gateway().map(({ pid }) => pid)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await p.say(id, alice, 'Are you still there?')
  expect(await answered('Are you still there?')).toContain('a cook in Naples')
  expect((await box.health()).ready).toBe(true)
  expect(gateway().some(({ pid }) => before.includes(pid))).toBe(false)
  expect(await p.texts(id)).toHaveLength(1 + 2 * 22)
  expect(sessionsIn(volume)).toEqual([`agent:main:convos:group:${id.toLowerCase()}`])

  expect((await box.call('POST', '/pool/reset')).body).toMatchObject({ ok: true })
  await eventually('it is a warm box again', async () => (await box.health()).ready, { timeoutMs: 180_000 })
  expect(await box.health()).toMatchObject({ clean: true, binding: 'none' })
  await expect.poll(() => listing(volume), { timeout: 60_000 }).toEqual(firstBoot)
  expect(await box.terminate()).toBe(0)
  expect(gateway()).toEqual([])
}, 600_000)

test('a claim into the conversation of others', async () => {
  const p = await place()
  const box = await p.open()
  const { id, inviteUrl, person } = await p.conversationOf('Alice')
  expect((await box.provision({ joinUrl: inviteUrl })).body).toMatchObject({ joined: true, status: 'active' })
  await eventually('the greeting', async () => (await p.texts(id)).length === 1)
  await p.say(id, person, 'Who are you?')
  await eventually('the answer', async () => (await p.texts(id)).length === 3, { timeoutMs: ANSWER_MS })
  expect((await p.texts(id)).at(-1)).toMatch(/^Ada here, speaking as a careful librarian: you asked “Who are you\?”/)

  await p.fail('openrouter', 402)
  await p.say(id, person, 'Are you broke?')
  await eventually('an apology', async () => (await p.texts(id)).length === 5, { timeoutMs: ANSWER_MS })
  expect((await p.texts(id)).at(-1)).toBe("I'm sorry, I can't answer: the account that pays for my model has no credit left.")

  const page = await fetch(`${box.url}/`)
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toContain('text/html')
  const socket = new WebSocket(box.url.replace('http', 'ws'))
  const challenge = await new Promise<unknown>((resolve) =>
    socket.addEventListener('message', ({ data }) => resolve(data), { once: true }),
  )
  expect(JSON.parse(String(challenge))).toMatchObject({ event: 'connect.challenge' })
  expect(await box.terminate()).toBe(0)
})
