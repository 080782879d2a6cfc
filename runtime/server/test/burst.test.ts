import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger, systemClock } from '@convos/kit'
import { eventually, scoped, temporaryFolder } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { Conversation } from '../src/conversation/conversation.ts'
import type { Command } from '../src/convos/commands.ts'
import { limits } from '../src/limits.ts'

const MESSAGES = 1_000
const SENDERS = ['Alice', 'Bob', 'Carol']

/** Each step is synced to a disk that others may be busy with. */
const PATIENTLY = { timeoutMs: 50_000 }

const inbound = (n: number) => {
  const name = SENDERS[n % SENDERS.length] ?? ''
  return {
    id: `m${n}`,
    senderInboxId: `inbox-${name}`,
    senderName: name,
    fromAgent: false,
    text: `Ada, ${n}? ${'x'.repeat(500)}`,
    sentAt: new Date(1_800_000_000_000 + n).toISOString(),
  }
}

/** An agent whose engine and network are stubs: what it says, and how often its journal was as long as what. */
async function talk() {
  const folder = scoped(temporaryFolder('burst')).path
  const file = join(folder, 'conversation.json')
  const said: Extract<Command, { type: 'send' }>[] = []
  const stub = { stop: Infinity }
  const open = () =>
    new Conversation({
      file,
      engine: { respond: async ({ message }) => `re: ${message.id}` },
      driver: {
        act: async (command) => {
          if (said.length >= stub.stop) return await new Promise(() => {})
          if (command.type === 'send') said.push(command)
          return { messageId: command.type === 'send' ? command.id : null }
        },
        find: async ({ text }) => said.filter((command) => command.text === text).map(({ id }) => id),
        whisper: () => {},
      },
      persona: () => ({ agentName: 'Ada', instructions: '', model: null }),
      clock: systemClock,
      log: createLogger('test', 'silent'),
      limits,
    })
  return { open, said, stub, size: async () => (await stat(file)).size }
}

const ids = (from = 0) => Array.from({ length: MESSAGES - from }, (_, n) => `reply-m${n + from}`)

test(
  'a thousand messages at once are answered once each and in order, and the journal stays small',
  { timeout: 60_000 },
  async () => {
    const { open, said, size } = await talk()
    const conversation = open()
    conversation.enter('v1')
    // told twice, as a network may that lost its connection
    for (let n = 0; n < MESSAGES; n++) conversation.hear(inbound(n))
    for (let n = 0; n < MESSAGES; n++) conversation.hear(inbound(n))
    const heardBytes = await size()
    await eventually('all are answered', () => said.length >= MESSAGES, PATIENTLY)
    await conversation.close(1_000)
    expect(said.map(({ id }) => id)).toEqual(ids())
    // a thousand messages of 700 bytes, folded in as they come
    expect(heardBytes).toBeLessThan(3 * MESSAGES * 800)
    expect(await size()).toBeLessThan(2 * heardBytes)
  },
)

test(
  'stopped in the middle of a thousand, the next process answers the rest, and nothing twice',
  { timeout: 60_000 },
  async () => {
    const { open, said, stub } = await talk()
    const first = open()
    first.enter('v1')
    for (let n = 0; n < MESSAGES; n++) first.hear(inbound(n))
    stub.stop = 300
    await eventually('it is in the middle', () => said.length === 300, PATIENTLY)
    // not closed: it is as good as killed
    stub.stop = Infinity
    const second = open()
    second.enter('v1')
    for (let n = 0; n < MESSAGES; n++) second.hear(inbound(n))
    await eventually('all are answered', () => said.length >= MESSAGES, PATIENTLY)
    await second.close(1_000)
    expect(said.map(({ id }) => id)).toEqual(ids())
  },
)
