import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Command, confirmed, refused } from '../src/convos/commands.ts'

const send = (id: string, text: string): Command => ({ type: 'send', id, text })
const react: Command = { type: 'react', messageId: 'm0', emoji: '👍', action: 'add' }
const react2: Command = { type: 'react', messageId: 'm1', emoji: '👍', action: 'add' }
const rename: Command = { type: 'rename', name: 'Books' }
const attach: Command = { type: 'attach', file: '/tmp/x' }
const remote: Command = {
  type: 'remote-attach',
  url: 'https://x',
  contentDigest: 'd',
  secret: 's',
  salt: 's',
  nonce: 'n',
  contentLength: 1,
}
const sent = (more: object) => ({ event: 'sent', ...more }) as const

test('a text is known by its id, or by itself where the network gave it another one', () => {
  const all = [rename, send('a', 'hello'), send('b', 'bye')]
  expect(confirmed(all, sent({ id: 'b', text: 'whatever' }))).toBe(all[2])
  expect(confirmed(all, sent({ id: 'x1', type: 'text', text: 'bye' }))).toBe(all[2])
  expect(confirmed(all, sent({ id: 'x1', text: 'never said' }))).toBeUndefined()
  const twice = [send('a', 'ok'), send('b', 'ok')]
  expect(confirmed(twice, sent({ id: 'x1', text: 'ok' }))).toBe(twice[0])
})

test.each([
  ['rename', rename],
  ['react', react],
  ['reaction', react],
  ['attach', attach],
  ['attachment', attach],
  ['remoteAttachment', remote],
  ['remote-attach', remote],
])('“%s” is known by its type', (type, command) => {
  expect(confirmed([send('a', 'x'), rename, react, react2, attach, remote], sent({ type }))).toBe(command)
})

test('a type nobody knows is the only act it could be, or none', () => {
  expect(confirmed([send('a', 'x'), rename], sent({ type: 'update-name' }))).toBe(rename)
  expect(confirmed([rename, react], sent({ type: 'update-name' }))).toBeUndefined()
  // what passes may be confirmed, too, and is nobody's answer
  for (const type of ['typing', 'read-receipt', 'thinking']) expect(confirmed([rename], sent({ type }))).toBeUndefined()
})

test('a failure is of the command that it names, and of none where it names none', () => {
  const all = [send('a', 'x'), react, react2]
  expect(refused(all, { event: 'error', message: 'no', id: 'a' })).toBe(all[0])
  expect(refused(all, { event: 'error', message: 'no', type: 'react' })).toBe(react)
  // the command repeats what it was given
  expect(refused(all, { event: 'error', message: 'Command failed: no', command: { type: 'send', id: 'a' } })).toBe(all[0])
  expect(refused(all, { event: 'error', message: 'Command failed: no', command: { type: 'react' } })).toBe(react)
  expect(refused([...all, attach], { event: 'error', message: 'Configure an upload provider (…) to send attachments.' })).toBe(
    attach,
  )
  expect(refused(all, { event: 'error', message: 'the stream broke' })).toBeUndefined()
})

test('whatever is confirmed was under way', () => {
  const any = fc.constantFrom<Command>(send('a', 'x'), send('b', 'y'), rename, react, attach, remote, { type: 'lock' })
  const event = fc.record({
    id: fc.option(fc.constantFrom('a', 'c')),
    text: fc.option(fc.string()),
    type: fc.option(fc.string()),
  })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 5 }), event, (all, about) => {
      for (const command of [confirmed(all, sent(about)), refused(all, { event: 'error', message: '', ...about })])
        if (command) expect(all).toContain(command)
    }),
  )
})
