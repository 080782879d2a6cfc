import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineReader } from '../src/convos/child.ts'
import { lastJson } from '../src/convos/cli.ts'
import { readLine } from '../src/convos/events.ts'
import { type Inbound, inbound } from '../src/convos/inbound.ts'

const EVENTS = ['ready', 'message', 'member_joined', 'sent', 'heartbeat', 'error', 'explode_notice', 'profile_update']
const OTHERS = [
  'typing',
  'thinking',
  'read_receipt',
  'connection_payload',
  'connection_invocation',
  'connection_result',
  'connection_event',
  'capability_request',
  'capability_result',
  'cloud_connection_grant_request',
  'something_of_a_later_version',
]
const TYPES = [
  'text',
  'markdown',
  'reply',
  'reaction',
  'attachment',
  'remoteStaticAttachment',
  'multiRemoteStaticAttachment',
  'group_updated',
]

const message = {
  event: 'message',
  id: 'm1',
  senderInboxId: 'i1',
  senderProfile: { name: 'Alice' },
  contentType: { authorityId: 'xmtp.org', typeId: 'text' },
  content: 'hi',
  sentAt: '2030-01-01T00:00:00Z',
}

/** What is made of one line where it is a message. */
function heard(line: string): Inbound | null {
  const read = readLine(line)
  return read.kind === 'event' && read.event.event === 'message' ? inbound(read.event) : null
}
const hear = (more: object) => heard(JSON.stringify({ ...message, ...more }))

test('no line whatever makes the reader fail', () => {
  const content = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom('content', 'reference', 'action', 'filename', 'mimeType', 'url', 'text'), fc.jsonValue()),
  )
  const almostMessage = fc
    .record({
      contentType: fc.oneof(fc.constantFrom(...TYPES), fc.record({ typeId: fc.constantFrom(...TYPES) }), fc.jsonValue()),
      content,
      remoteAttachment: fc.oneof(content, fc.constant(undefined)),
      multiRemoteAttachment: fc.oneof(fc.record({ attachments: fc.array(content) }), fc.jsonValue()),
      senderProfile: fc.jsonValue(),
      replyTo: fc.jsonValue(),
    })
    .map((some) => JSON.stringify({ ...message, ...some }))
  const almostEvent = fc
    .tuple(fc.constantFrom(...EVENTS, ...OTHERS), fc.dictionary(fc.string(), fc.jsonValue()))
    .map(([event, rest]) => JSON.stringify({ ...rest, event }))
  const whole = fc.oneof(fc.json(), almostMessage, almostEvent)
  const truncated = fc.tuple(whole, fc.nat()).map(([line, at]) => line.slice(0, at % (line.length + 1)))
  fc.assert(
    fc.property(fc.oneof(fc.string(), whole, truncated), (line) => {
      expect(['event', 'ignored', 'garbage']).toContain(readLine(line).kind)
      const said = heard(line)
      if (said) {
        expect(said.text.trim()).not.toBe('')
        expect(said.text.length).toBeLessThanOrEqual(16_000)
        expect(said.text.isWellFormed()).toBe(true)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('an event with a wrong field is garbage, one that asks nothing of us is ignored', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('ready', 'message', 'member_joined', 'error', 'sent', 'explode_notice', 'profile_update'),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (event, rest) => {
        const line = { ...rest, event, id: 7, inboxId: 7, message: 7, expiresAt: 7, senderInboxId: 7 }
        expect(readLine(JSON.stringify(line)).kind).toBe('garbage')
      },
    ),
  )
  for (const event of OTHERS) expect(readLine(JSON.stringify({ event })).kind, event).toBe('ignored')
})

test('texts in each of their forms are heard, with a name even where none is known', () => {
  for (const contentType of ['text', 'xmtp.org/text:1.0', 'markdown', { typeId: 'reply', authorityId: 'xmtp.org' }, undefined])
    expect(hear({ contentType })).toMatchObject({ text: 'hi', senderName: 'Alice', fromAgent: false })
  expect(hear({ senderProfile: null })).toMatchObject({ senderName: 'Someone' })
  expect(hear({ content: '   ' })).toBeNull()
  expect(hear({ content: 'x'.repeat(1_000_000) })?.text).toHaveLength(16_000)
  expect(hear({ content: null })).toBeNull()
})

test.each([
  ['its text and what it answers', { content: 'why?', reference: 'm0' }],
  ['as the network writes it', { content: 'why?', referenceId: 'm0' }],
  ['as the command writes it', 'reply to m0: why?'],
  ['as the command writes it where it knows what is answered', 'reply to "which: (a) “b”\nor "c"?" (m0): why?'],
])('an answer to another message, %s', (_how, content) => {
  expect(hear({ contentType: { typeId: 'reply' }, content })).toMatchObject({ text: 'why?', about: 'm0' })
  expect(hear({ contentType: 'reply', content: 'why?', replyTo: 'm0' })).toMatchObject({ text: 'why?', about: 'm0' })
})

test('a reaction is heard as one', () => {
  const reaction = (content: unknown) => hear({ contentType: 'reaction', content })
  expect(reaction({ content: '👍', reference: 'm0', action: 'added' })).toMatchObject({
    text: '(reacted with 👍)',
    about: 'm0',
    isReaction: true,
  })
  expect(reaction({ content: '👍', reference: 'm0', action: 'removed' })).toMatchObject({ text: '(took back the reaction 👍)' })
  expect(reaction('👍')).toMatchObject({ text: '(reacted with 👍)', isReaction: true })
  expect(reaction('reacted 👍 to m0')).toMatchObject({ text: '(reacted with 👍)', isReaction: true, about: 'm0' })
  expect(reaction('removed 👍 to m0')).toMatchObject({ text: '(took back the reaction 👍)', about: 'm0' })
})

test('files are heard as what was sent, without the keys to them', () => {
  const file = { url: 'https://files.example/1', filename: 'shelf.jpg', secret: 'not to be told', contentLength: 12 }
  expect(
    hear({ contentType: 'attachment', content: { filename: 'a.txt', mimeType: 'text/plain', path: '/tmp/a.txt' } })?.text,
  ).toBe('(sent a file: a.txt, text/plain, /tmp/a.txt)')
  const remote = { contentType: 'xmtp.org/remoteStaticAttachment:1.0', content: 'whatever', remoteAttachment: file }
  expect(hear(remote)?.text).toBe('(sent a file: shelf.jpg, https://files.example/1)')
  const many = {
    contentType: 'multiRemoteStaticAttachment',
    multiRemoteAttachment: { attachments: [file, { url: 'https://x' }] },
  }
  expect(hear(many)?.text).toBe('(sent a file: shelf.jpg, https://files.example/1)\n(sent a file: without a name, https://x)')
})

test('what members and titles do is nothing to answer', () => {
  expect(hear({ contentType: 'group_updated', content: { initiatedByInboxId: 'x' } })).toBeNull()
  expect(hear({ contentType: { typeId: 'constructor' }, content: 'x' })).toBeNull()
})

test('lines are cut wherever their parts end, and an endless one is not kept whole', () => {
  const lines: string[] = []
  const { read, end } = lineReader((line) => lines.push(line))
  for (const part of ['{"a"', ':1}\n{"b":2}\n{"c', '":3}']) read(part)
  expect(lines).toEqual(['{"a":1}', '{"b":2}'])
  end()
  expect(lines.at(-1)).toBe('{"c":3}')

  const endless = lineReader((line) => lines.push(line))
  endless.read('{"event":"')
  for (let i = 0; i < 100; i++) endless.read('x'.repeat(64 * 1024))
  endless.read('"}\n{"d":4}\n')
  expect(lines.at(-2)?.length).toBe(1024 * 1024)
  expect(readLine(lines.at(-2) ?? '').kind).toBe('garbage')
  expect(lines.at(-1)).toBe('{"d":4}')
})

test('the answer of a command is found on one line, on many, and behind remarks', () => {
  expect(lastJson(['{"a":1}'])).toEqual({ a: 1 })
  expect(lastJson(['[warning] odd', 'sending…', '{', '  "a": [', '    1', '  ]', '}'])).toEqual({ a: [1] })
  expect(() => lastJson(['nothing here'])).toThrow('without JSON')
})
