import type { RequestHandler } from 'express'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createConvos } from '../src/simulators/convos/index.ts'
import { eventually, scoped } from '../src/testing/index.ts'
import { convosApi } from './support/convos-api.ts'
import { type Agent, newAgent } from './support/convos-cli.ts'
import { type Mounted, mount } from './support/mount.ts'

let convos: Mounted
let api: ReturnType<typeof convosApi>
let agent: Agent
let intercept: RequestHandler

beforeEach(async () => {
  intercept = (_req, _res, next) => next()
  convos = await mount(createConvos, (...args) => intercept(...args))
  api = convosApi(convos.url)
  agent = newAgent(convos.url)
})
afterEach(async () => {
  agent[Symbol.dispose]()
  await convos[Symbol.asyncDispose]()
})

/** An agent in a conversation of its own, and a person who has come in. */
async function withPerson() {
  const serving = agent.serve('--name', 'Trip', '--profile-name', 'Momo')
  const ready = await serving.heard('ready')
  const person = await api.join(ready['inviteSlug'])
  return { serving, ready, id: String(ready['conversationId']), person: person.inboxId }
}

describe('agent serve', () => {
  test('makes a conversation, hears a person, and answers', async () => {
    const { serving, ready, id, person } = await withPerson()
    scoped(serving)
    expect(ready).toEqual({
      event: 'ready',
      conversationId: expect.stringMatching(/^[0-9a-f]{32}$/),
      identityId: expect.any(String),
      inboxId: expect.stringMatching(/^[0-9a-f]{64}$/),
      address: expect.stringMatching(/^0x[0-9a-f]{40}$/),
      name: 'Trip',
      inviteUrl: `${convos.url}/v2?i=${String(ready['inviteSlug'])}`,
      inviteSlug: expect.any(String),
      inviteTag: expect.any(String),
      timestamp: expect.any(String),
    })
    expect(await serving.heard('member_joined')).toEqual({
      event: 'member_joined',
      inboxId: person,
      conversationId: id,
      timestamp: expect.any(String),
    })

    await api.send(id, person, 'hello\nthere', { id: 'm1' })
    expect(await serving.heard('message')).toEqual({
      event: 'message',
      id: 'm1',
      senderInboxId: person,
      senderProfile: { name: 'Alice', kind: 'person' },
      contentType: { authorityId: 'xmtp.org', typeId: 'text', versionMajor: 1, versionMinor: 0 },
      content: 'hello\nthere',
      sentAt: expect.any(String),
      deliveryStatus: 'published',
    })

    serving.write({ type: 'send', text: 'Hello yourself.', replyTo: 'm1' })
    const sent = await serving.heard('sent')
    expect(sent).toMatchObject({ text: 'Hello yourself.', replyTo: 'm1', timestamp: expect.any(String) })
    expect(await api.texts(id)).toEqual(['hello\nthere', 'Hello yourself.'])
    expect((await api.read(id)).members).toMatchObject([
      { name: 'Momo', kind: 'agent' },
      { name: 'Alice', kind: 'person' },
    ])
  })

  test('never hears itself', async () => {
    const { serving, id, person } = await withPerson()
    scoped(serving)
    serving.write({ type: 'send', text: 'mine' })
    await serving.heard('sent')
    await api.send(id, person, 'theirs')
    await serving.heard('message', { content: 'theirs' })
    expect(serving.events.filter((event) => event.event === 'message')).toHaveLength(1)
  })

  test('hears another agent like anyone else', async () => {
    const { serving, ready } = await withPerson()
    scoped(serving)
    const other = scoped(newAgent(convos.url))
    await other.run('conversations', 'join', String(ready['inviteUrl']), '--profile-name', 'Kiki', '--json')
    const second = scoped(other.serve(String(ready['conversationId'])))
    await second.heard('ready')
    second.write({ type: 'send', text: 'I can help.' })
    expect(await serving.heard('message')).toMatchObject({
      content: 'I can help.',
      senderProfile: { name: 'Kiki', kind: 'agent' },
    })
  })

  test('a send repeated under its id is stored once and answered the same', async () => {
    const { serving, id } = await withPerson()
    scoped(serving)
    for (let i = 0; i < 2; i++) serving.write({ type: 'send', id: 'reply-1', text: 'once' })
    await eventually('both are answered', () => serving.events.filter((event) => event.event === 'sent').length === 2)
    const [first, second] = serving.events.filter((event) => event.event === 'sent')
    expect(first).toMatchObject({ id: 'reply-1', text: 'once' })
    expect(second).toEqual(first)
    expect(await api.texts(id)).toEqual(['once'])
  })

  test('a send whose answer was lost is repeated by itself, and stored once', async () => {
    const { serving, id } = await withPerson()
    scoped(serving)
    let lost = 0
    intercept = (req, res, next) => {
      if (req.method === 'POST' && req.path.endsWith('/messages') && lost === 0) {
        lost++
        res.json = () => res.destroy()
      }
      next()
    }
    serving.write({ type: 'send', text: 'exactly once' })
    await serving.heard('sent')
    expect([lost, await api.texts(id)]).toEqual([1, ['exactly once']])
  })

  test('carries out the other commands', async () => {
    const { serving, id, person } = await withPerson()
    scoped(serving)
    await api.send(id, person, 'nice', { id: 'm1' })
    serving.write({ type: 'rename', name: 'Trip to Tokyo' })
    serving.write({ type: 'update-profile', name: 'Captain Momo' })
    serving.write({ type: 'react', messageId: 'm1', emoji: '👍' })
    serving.write({ type: 'typing' })
    serving.write({ type: 'read-receipt' })
    serving.write({ type: 'lock' })
    await serving.heard('sent', { type: 'lock' })
    expect(await api.read(id)).toMatchObject({ name: 'Trip to Tokyo', locked: true, members: [{ name: 'Captain Momo' }, {}] })
    serving.write({ type: 'unlock' })
    await serving.heard('sent', { type: 'unlock' })
    expect(await api.read(id)).toMatchObject({ locked: false })
    expect(serving.events.filter((event) => event.event === 'error')).toEqual([])
  })

  test.each([
    ['an unknown type', { type: 'levitate' }],
    ['no JSON', 'hello?'],
    ['a send without text', { type: 'send' }],
    ['a reaction to nothing', { type: 'react', messageId: 'nope', emoji: '👍' }],
  ])('answers %s with an error, and goes on', async (_what, command) => {
    const serving = scoped(agent.serve())
    await serving.heard('ready')
    serving.write(command)
    expect(await serving.heard('error')).toMatchObject({ message: expect.any(String) })
    serving.write({ type: 'send', text: 'still here' })
    await serving.heard('sent')
  })

  test('beats when asked to', async () => {
    const serving = scoped(agent.serve('--heartbeat', '0.05'))
    const { conversationId } = await serving.heard('ready')
    expect(await serving.heard('heartbeat')).toEqual({
      event: 'heartbeat',
      conversationId,
      activeStreams: 1,
      timestamp: expect.any(String),
    })
  })

  test('keeps the invite to itself with --no-invite', async () => {
    const serving = scoped(agent.serve('--no-invite'))
    expect(Object.keys(await serving.heard('ready'))).not.toContain('inviteUrl')
  })
})

describe('attached again', () => {
  test('after kill -9 it tells what is said from then on, and changes nothing; what was said meanwhile is listed', async () => {
    const { serving, ready, id, person } = await withPerson()
    await api.send(id, person, 'one')
    await serving.heard('message', { content: 'one' })
    serving.child.kill('SIGKILL')
    await serving.exited
    await api.send(id, person, 'two')
    await api.send(id, person, 'three')

    const again = scoped(agent.serve(id, '--name', 'Another name', '--profile-name', 'Another'))
    expect(await again.heard('ready')).toEqual({ ...ready, timestamp: expect.any(String) })
    await api.send(id, person, 'four')
    expect(await again.heard('message')).toMatchObject({ content: 'four' })
    const { stdout } = await agent.run('conversation', 'messages', '--sync', '--', id)
    const listed = z.array(z.object({ content: z.string() })).parse(JSON.parse(stdout))
    expect(listed.map(({ content }) => content)).toEqual(['four', 'three', 'two', 'one'])
    expect((await api.read(id)).members[0]).toMatchObject({ name: 'Momo' })
  })

  test('a network that is away and comes back is one error, and no loss', async () => {
    const { serving, id, person } = await withPerson()
    scoped(serving)
    await serving.heard('member_joined')
    await convos.goAway()
    await serving.heard('error', { retrying: true })
    serving.write({ type: 'send', id: 'in-the-dark', text: 'can you hear me?' })
    await convos.comeBack()
    await api.send(id, person, 'back again')
    await serving.heard('message', { content: 'back again' })
    await serving.heard('sent', { id: 'in-the-dark' })
    expect((await api.texts(id)).toSorted()).toEqual(['back again', 'can you hear me?'])
    expect(serving.events.filter((event) => event.event === 'error')).toHaveLength(1)
  })

  test('it waits for a network that is not there yet', async () => {
    await convos.goAway()
    const serving = scoped(agent.serve())
    await serving.heard('error', { retrying: true })
    await convos.comeBack()
    await serving.heard('ready')
    expect(convos.simulator.resources()).toMatchObject({ conversations: [{}] })
  })

  test('someone who is not a member is refused', async () => {
    const { id } = await api.create()
    const serving = scoped(agent.serve(id))
    expect(await serving.heard('error')).toMatchObject({ message: 'this agent is not a member of the conversation' })
    expect(await serving.exited).toBe(2)
    expect(serving.events.map((event) => event.event)).toEqual(['error'])
  })

  test('an agent that is removed ends', async () => {
    const { serving, ready, id } = await withPerson()
    scoped(serving)
    await api.call('DELETE', `/conversations/${id}/members/${String(ready['inboxId'])}`)
    expect(await serving.heard('error')).toMatchObject({ message: 'this agent was removed from the conversation' })
    expect(await serving.exited).toBe(2)
  })
})

describe('the end', () => {
  test.each([
    ['stdin closes', (child: { stdin: { end(): void } }) => child.stdin.end()],
    ['SIGTERM comes', (child: { kill(signal: NodeJS.Signals): void }) => child.kill('SIGTERM')],
  ])('comes when %s', async (_what, act) => {
    const serving = scoped(agent.serve())
    await serving.heard('ready')
    act(serving.child)
    expect(await serving.exited).toBe(0)
    expect(serving.stderr()).toBe('')
  })

  test('comes with stop, after what was asked for before it', async () => {
    const serving = scoped(agent.serve())
    const ready = await serving.heard('ready')
    serving.write({ type: 'send', text: 'good-bye' })
    serving.write({ type: 'stop' })
    expect(await serving.exited).toBe(0)
    expect(await api.texts(ready['conversationId'])).toEqual(['good-bye'])
    expect(serving.events.at(-1)).toMatchObject({ event: 'sent', text: 'good-bye' })
  })

  test.each([
    ['before it was ever there', async () => convos.goAway().then(() => agent.serve())],
    ['after it was there', async () => withPerson().then(async ({ serving }) => convos.goAway().then(() => serving))],
  ])('comes while the network is away, too: %s', async (_when, begin) => {
    const serving = scoped(await begin())
    await serving.heard('error', { retrying: true })
    serving.child.stdin.end()
    expect(await serving.exited).toBe(0)
  })
})
