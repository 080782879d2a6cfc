import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { ACTIONS_PATH, LinkAction } from '@convos/agent-server/link/actions'
import { beforeAll, afterAll, beforeEach, describe, expect, test } from 'vitest'
import { messageTool } from '../src/message-tool.ts'
import { attachMedia, outbound } from '../src/outbound.ts'

const TOKEN = 'the-token-of-the-link'
const asked: LinkAction[] = []
let refusal: object | null = null
const agentServer = createServer((req, res) => {
  void (async () => {
    const action = LinkAction.parse(await json(req))
    if (req.url === ACTIONS_PATH && req.headers.authorization === `Bearer ${TOKEN}`) asked.push(action)
    res.writeHead(refusal ? 409 : 200, { 'content-type': 'application/json' })
    res.end(JSON.stringify(refusal ?? { ok: true, messageId: 'm1' }))
  })()
})
const url = () => `http://127.0.0.1:${(agentServer.address() as AddressInfo).port}`
const { perform, sendText, sendMedia } = outbound(() => ({ url: url(), token: TOKEN }))

beforeAll(() => new Promise<void>((resolve) => agentServer.listen(0, '127.0.0.1', resolve)))
afterAll(() => void agentServer.close())
beforeEach(() => {
  asked.length = 0
  refusal = null
})

test('texts go out as they are, under an id where they may be tried again', async () => {
  expect(await sendText({ to: 'convos:c1', text: 'hello', replyToId: 'm0' })).toEqual({ messageId: 'm1' })
  await sendText({ to: 'convos:c1', text: 'again', deliveryQueueId: 'q1', deliveryPartIndex: 2 })
  expect(asked).toEqual([
    { action: 'send', text: 'hello', replyTo: 'm0' },
    { action: 'send', text: 'again', id: 'q1-2' },
  ])
})

test('files of this machine are attached, others told; words come after', async () => {
  await sendMedia({ to: 'convos:c1', mediaUrl: '/data/workspace/plan.pdf', text: 'The plan.' })
  await attachMedia(perform, 'file:///data/workspace/a%20b.txt')
  await attachMedia(perform, 'https://example.org/x.png')
  expect(asked).toEqual([
    { action: 'attach', path: '/data/workspace/plan.pdf' },
    { action: 'send', text: 'The plan.' },
    { action: 'attach', path: '/data/workspace/a b.txt' },
    { action: 'send', text: 'https://example.org/x.png' },
  ])
})

test('a refusal is told to the agent in words', async () => {
  refusal = { code: 'NOT_ATTACHED', detail: 'there is no conversation' }
  await expect(sendText({ to: 'convos:c1', text: 'hello' })).rejects.toThrow('there is no conversation')
})

describe('the message tool', () => {
  const tool = messageTool(perform)

  test.each([
    ['react', { emoji: '👍', messageId: 'm7' }, { action: 'react', messageId: 'm7', emoji: '👍', remove: false }],
    ['react', { emoji: '👍' }, { action: 'react', messageId: 'm-now', emoji: '👍', remove: false }],
    ['renameGroup', { name: 'Trip' }, { action: 'rename', name: 'Trip' }],
    ['set-profile', { displayName: 'Eva' }, { action: 'update-profile', name: 'Eva' }],
  ])('%s %j', async (action, params, expected) => {
    const { details } = await tool.handleAction({ action, params, toolContext: { currentMessageId: 'm-now' } })
    expect(asked).toEqual([expected])
    expect(details).toEqual({ ok: true, messageId: 'm1' })
  })

  test('lists what it can do, and does nothing else', async () => {
    const { actions } = tool.describeMessageTool()
    expect(actions).toEqual(['send', 'react', 'renameGroup', 'set-profile'])
    await expect(tool.handleAction({ action: 'ban', params: {} })).rejects.toThrow('no ban')
  })
})
