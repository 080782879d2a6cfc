import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createConvos } from '../src/simulators/convos/index.ts'
import { eventually, scoped } from '../src/testing/index.ts'
import { convosApi } from './support/convos-api.ts'
import { type Agent, newAgent } from './support/convos-cli.ts'
import { type Mounted, mount } from './support/mount.ts'

let convos: Mounted
let api: ReturnType<typeof convosApi>
let agent: Agent
beforeEach(async () => {
  convos = await mount(createConvos)
  api = convosApi(convos.url)
  agent = newAgent(convos.url)
})
afterEach(async () => {
  agent[Symbol.dispose]()
  await convos[Symbol.asyncDispose]()
})

test('--version says what it is', async () => {
  expect((await agent.run('--version')).stdout).toMatch(/^convos-sandbox\/\d+\.\d+\.\d+ /)
})

describe('identity', () => {
  test('is made once, offline, and readable by its owner alone', async () => {
    await convos.goAway()
    const made = await agent.run('identity', 'create', '--label', 'bot', '--profile-name', 'Momo', '--json')
    expect(made.json).toMatchObject({
      label: 'bot',
      profileName: 'Momo',
      id: expect.any(String),
      address: expect.stringMatching(/^0x/),
    })
    const again = await agent.run('identity', 'create', '--json')
    const info = await agent.run('identity', 'info', '--json')
    expect([again.json['inboxId'], info.json['inboxId']]).toEqual([made.json['inboxId'], made.json['inboxId']])
    expect(statSync(join(agent.home, 'identity.json')).mode & 0o777).toBe(0o600)
  })

  test('is one even when two commands make it at once', async () => {
    const [one, two] = await Promise.all([agent.run('identity', 'create', '--json'), agent.run('identity', 'create', '--json')])
    expect(one.json['inboxId']).toBe(two.json['inboxId'])
  })
})

describe('conversations', () => {
  test('create answers with an invite that others can use', async () => {
    const { json } = await agent.run('conversations', 'create', '--name', 'Trip', '--json')
    expect(json).toMatchObject({
      name: 'Trip',
      invite: { url: expect.stringContaining('/convos/v2?i='), slug: expect.any(String) },
    })
    const { slug } = json['invite'] as { slug: string }
    expect((await api.join(slug)).conversationId).toBe(json['conversationId'])
    const { json: inspected } = await agent.run('conversations', 'inspect-invite', '--json', '--', slug)
    expect(inspected).toMatchObject({ slug, name: 'Trip' })
  })

  test('join gets in, and says the same when repeated', async () => {
    const { id, invite } = await api.create()
    const enter = async () => (await agent.run('conversations', 'join', invite.url, '--profile-name', 'Momo', '--json')).json
    const first = await enter()
    expect(first).toMatchObject({ status: 'joined', conversationId: id })
    expect(await enter()).toEqual(first)
    expect((await api.read(id)).members.map((member) => member.name)).toEqual(['Host', 'Momo'])
  })

  test('an agent that joined finds what was said to it before it was attached, not what was said before it came', async () => {
    const { id, invite, creatorInboxId } = await api.create()
    await api.send(id, creatorInboxId, 'before')
    await agent.run('conversations', 'join', invite.slug, '--json')
    await api.send(id, creatorInboxId, 'after')
    const { stdout } = await agent.run('conversation', 'messages', '--sync', '--', id)
    expect(JSON.parse(stdout)).toMatchObject([{ content: 'after' }])
    const serving = scoped(agent.serve(id))
    await serving.heard('ready')
    await api.send(id, creatorInboxId, 'now')
    expect(await serving.heard('message')).toMatchObject({ content: 'now' })
  })

  test('where a member decides, join waits until it has', async () => {
    const { id, invite } = await api.create({ approval: 'manual' })
    const joining = agent.run('conversations', 'join', invite.url, '--timeout', '20', '--json')
    const request = await eventually('the request arrives', async () => (await api.read(id)).requests[0])
    await api.call('POST', `/conversations/${id}/requests/${request.inboxId}`, { admit: true })
    expect((await joining).json).toMatchObject({ status: 'joined', conversationId: id })
  })

  test('without waiting it is a request; later it is in', async () => {
    const { id, invite } = await api.create({ approval: 'manual' })
    const enter = async () => (await agent.run('conversations', 'join', invite.url, '--no-wait', '--json')).json
    const asked = await enter()
    expect(asked).toEqual({ status: 'request_sent', identityId: expect.any(String), inboxId: expect.any(String) })
    expect(await enter()).toEqual(asked)
    await api.call('POST', `/conversations/${id}/requests/${String(asked['inboxId'])}`, { admit: true })
    expect(await enter()).toMatchObject({ status: 'joined', conversationId: id })
  })

  test('a wait that ends without a decision is a timeout', async () => {
    const { invite } = await api.create({ approval: 'manual' })
    const { json } = await agent.run('conversations', 'join', invite.url, '--timeout', '0.1', '--json')
    expect(json).not.toHaveProperty('conversationId')
    expect(json['status']).toBe('timeout')
  })

  test('a refusal is told as such', async () => {
    const { id, invite } = await api.create({ approval: 'manual' })
    const { json } = await agent.run('conversations', 'join', invite.url, '--no-wait', '--json')
    await api.call('POST', `/conversations/${id}/requests/${String(json['inboxId'])}`, { admit: false })
    expect((await agent.run('conversations', 'join', invite.url, '--json')).json).toMatchObject({ status: 'refused' })
  })

  test('list tells which conversations an identity is in, whether it noticed being let in or not', async () => {
    const list = async (): Promise<unknown> => JSON.parse((await agent.run('conversations', 'list', '--sync')).stdout)
    expect(await list()).toMatchObject({ count: 0 })
    const { id, invite } = await api.create({ approval: 'manual' })
    const { json } = await agent.run('conversations', 'join', invite.url, '--no-wait', '--json')
    expect(await list()).toMatchObject({ count: 0 })
    await api.call('POST', `/conversations/${id}/requests/${String(json['inboxId'])}`, { admit: true })
    expect(await list()).toMatchObject([{ conversationId: id }])
  })
})

test.each([
  ['an unknown invite', ['conversations', 'join', 'nonsense'], 'Failed to parse invite'],
  ['no invite', ['conversations', 'inspect-invite', 'https://example.com/'], 'Failed to parse invite'],
  ['an unknown command', ['conversations', 'explode'], 'usage: convos'],
  ['an unknown option', ['identity', 'create', '--colour'], '--colour'],
  ['a wrong number', ['agent', 'serve', '--heartbeat', 'often'], 'heartbeat'],
  ['what is no conversation', ['agent', 'serve', '../../etc'], 'not a conversation id'],
  ['no identity', ['identity', 'info'], 'no identity'],
])('%s is told on stderr alone, with exit code 2', async (_what, args, message) => {
  await expect(agent.run(...args)).rejects.toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
})
