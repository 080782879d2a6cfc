import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { eventually } from '@convos/sandbox/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { processesWith } from '../support/processes.ts'
import { type Place, startPlace } from './place.ts'
import { testTools } from './tools.ts'

/** What lies on the volume, but for what a process keeps for itself while it runs, and copies of what the image holds. */
const listing = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    // empty folders are made at leisure, some after it is ready
    .flatMap((entry) => (entry.isFile() ? [relative(folder, join(entry.parentPath, entry.name))] : []))
    .filter((path) => !/-(wal|shm|journal)$|^openclaw\/(tmp|cache|home\/\.(cache|npm))\//.test(path))
    .toSorted()

let p: Place
let firstBoot: string[]
/** The conversation of its first claim, and who claimed it. */
let id: string
let alice: string

const gateway = () => processesWith(`AGENT_ENV_FILE=${p.volume}/agent/env.json`)
/** The conversations that the gateway remembers. */
function sessions(): unknown[] {
  const db = new DatabaseSync(join(p.volume, 'openclaw/agents/main/agent/openclaw-agent.sqlite'), { readOnly: true })
  const rows = db.prepare('select session_key from session_nodes').all()
  db.close()
  return rows.map((row) => row['session_key'])
}
/** Said once in a test, also when it is tried again. */
const unique = (text: string) => `${text} (${randomUUID().slice(0, 8)})`
const answersTo = async (said: string) => (await p.texts(id)).filter((text) => text !== said && text.includes(said))

beforeAll(async () => {
  p = await startPlace()
  await p.isReady()
  firstBoot = listing(p.volume)
})
afterAll(async () => {
  // none when it did not start
  await (p as Place | undefined)?.close()
})
let saidBefore = 0
beforeEach(() => {
  saidBefore = p.box.output().length
})
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(p.box.output().slice(saidBefore))
})

/** One box, through all that happens to it; each chapter builds on those before. */
describe('an agent with the real gateway', () => {
  test('is warm: ready, clean, with our plugins and no others, and nothing fetched', async () => {
    expect(await p.box.health()).toMatchObject({ ready: true, clean: true, fault: null })
    expect(p.box.output()).toMatch(/\(3 plugins: convos, openrouter, web-tools[;)]/)
    for (const folder of ['npm', 'extensions', 'plugins'])
      expect(existsSync(join(p.volume, 'openclaw', folder)), folder).toBe(false)
    const known = gateway().flatMap(({ environ }) => environ)
    expect(known.length).toBeGreaterThan(0)
    expect(known.join('\n')).not.toContain(p.env.INSTANCE_CONTROL_TOKEN)
  })

  test('greets who claimed it, and answers as it was told', async () => {
    const claim = { claimId: 'first', model: 'acme/claimed' }
    const { body } = await p.box.provision(claim)
    id = String(body['conversationId'])
    expect((await p.box.provision(claim)).body).toEqual(body)
    alice = await p.joins(body['inviteUrl'], 'Alice')
    await eventually('the greeting', async () => (await p.texts(id)).length > 0)
    expect(await p.answer(id, alice, 'A first question?')).toMatch(/^Ada here, speaking as a careful librarian:/)
    expect(p.box.output()).toContain('model overridden to acme/claimed')
    expect((await p.box.health()).clean).toBe(false)
  })

  test('answers 20 messages once each, in order, as it is told since', async () => {
    const revision = Date.now()
    await p.box.call('PATCH', '/pool/profile', { body: { instructions: 'You are a cook in Naples.', revision } })
    const many = Array.from({ length: 20 }, (_, index) => unique(`Message number ${index}.`))
    for (const text of many) await p.say(id, alice, text)
    const last = many.at(-1) ?? ''
    await eventually('the last answer', async () => (await answersTo(last)).length > 0, { timeoutMs: 120_000 })
    const answers = (await p.texts(id)).filter((text) => many.some((said) => text.includes(`“${said}”`)))
    expect(answers.map((text) => many.find((said) => text.includes(`“${said}”`)))).toEqual(many)
    expect(answers.every((text) => text.startsWith('Ada here, speaking as a cook in Naples:'))).toBe(true)
  })

  test('has nothing to say where it was told to be silent', async () => {
    const before = await p.texts(id)
    const silent = unique('Thanks, Bob!')
    await p.say(id, alice, `${silent} SAY: NO_REPLY`)
    const next = await p.answer(id, alice, unique('And now?'))
    expect(next).toMatch(/^Ada here/)
    expect((await p.texts(id)).slice(before.length)).toEqual([
      `${silent} SAY: NO_REPLY`,
      expect.stringContaining('And now?'),
      next,
    ])
  })

  describe('its tools', () => testTools(() => ({ p, id, alice })))

  test('answers once what it was thinking about when its gateway was killed, in the same conversation', async () => {
    const said = unique('Are you still there?')
    const release = p.model.hold()
    await p.say(id, alice, said)
    await eventually('it thinks', p.model.isAsked, { timeoutMs: 30_000 })
    const before = gateway().map(({ pid }) => pid)
    expect(before.length).toBeGreaterThan(0)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    release()
    await eventually('an answer', async () => (await answersTo(said)).length > 0, { timeoutMs: 200_000 })
    const next = await p.answer(id, alice, unique('And again?'))
    expect(next).toContain('a cook in Naples')
    expect(await answersTo(said)).toEqual([expect.stringContaining('a cook in Naples')])
    expect(gateway().some(({ pid }) => before.includes(pid))).toBe(false)
    expect((await p.box.health()).ready).toBe(true)
    expect(sessions()).toEqual([`agent:main:convos:group:${id.toLowerCase()}`])
  })

  test('shows its owner the Control UI, over HTTP and WebSocket', async () => {
    const page = await fetch(`${p.box.url}/`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
    const socket = new WebSocket(p.box.url.replace('http', 'ws'))
    const challenge = await new Promise<unknown>((resolve) =>
      socket.addEventListener('message', ({ data }) => resolve(data), { once: true }),
    )
    socket.close()
    expect(JSON.parse(String(challenge))).toMatchObject({ event: 'connect.challenge' })
  })

  test('is a warm box again after a reset, with nothing left of its claim', async () => {
    expect((await p.box.call('POST', '/pool/reset')).body).toMatchObject({ ok: true })
    await p.isReady()
    expect(await p.box.health()).toMatchObject({ clean: true, binding: 'none' })
    await expect.poll(() => listing(p.volume), { timeout: 60_000 }).toEqual(firstBoot)
    for (const file of listing(p.volume)) expect(readFileSync(join(p.volume, file), 'latin1'), file).not.toContain('Naples')
  })

  test('joins the conversation of others, answers there, and says why where it cannot', async () => {
    const { id: theirs, inviteUrl, person } = await p.conversationOf('Bob')
    const claim = { claimId: 'second', joinUrl: inviteUrl }
    expect((await p.box.provision(claim)).body).toMatchObject({ joined: true, status: 'active', conversationId: theirs })
    await eventually('the greeting', async () => (await p.texts(theirs)).length === 1)
    expect(await p.answer(theirs, person, 'Who are you?')).toMatch(
      /^Ada here, speaking as a careful librarian: you asked “Who are you\?”/,
    )
    await p.refuse(402)
    const apology = "I'm sorry, I can't answer: the account that pays for my model has no credit left."
    expect(await p.answer(theirs, person, 'Are you broke?')).toBe(apology)
  })

  test('ends when it is told to, with its gateway', async () => {
    expect(await p.box.terminate()).toBe(0)
    expect(gateway()).toEqual([])
  })
})
