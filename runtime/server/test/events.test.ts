import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineReader } from '../src/convos/child.ts'
import { lastJson } from '../src/convos/cli.ts'
import { inboundText, readLine } from '../src/convos/events.ts'

test('no line whatever makes the reader fail', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((text) => text.slice(0, -1)),
      ),
      (line) => {
        expect(['event', 'ignored', 'garbage']).toContain(readLine(line).kind)
      },
    ),
  )
})

test('an event with a wrong field is garbage, an unknown event is not our business', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('ready', 'message', 'member_joined', 'error'),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (event, rest) => {
        const line = { ...rest, event, id: 7, inboxId: 7, message: 7 }
        expect(readLine(JSON.stringify(line)).kind).toBe('garbage')
      },
    ),
  )
  expect(readLine('{"event":"typing","inboxId":"x"}').kind).toBe('ignored')
})

const message = { event: 'message' as const, id: 'm1', senderInboxId: 'i1', content: 'hi', sentAt: '2030-01-01T00:00:00Z' }

test('texts in each of their forms are heard, with a name even where none is known', () => {
  for (const contentType of ['text', { typeId: 'reply', authorityId: 'xmtp.org' }, undefined]) {
    const read = readLine(JSON.stringify({ ...message, contentType }))
    const heard = read.kind === 'event' && read.event.event === 'message' ? inboundText(read.event) : null
    expect(heard).toMatchObject({ text: 'hi', senderName: 'Someone', fromAgent: false })
  }
  expect(inboundText({ ...message, content: '   ' })).toBeNull()
  expect(inboundText({ ...message, content: 'x'.repeat(1_000_000) })?.text).toHaveLength(16_000)
  expect(inboundText({ ...message, content: null })).toBeNull()
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
