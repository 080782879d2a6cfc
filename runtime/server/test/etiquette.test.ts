import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wantsAnswer } from '../src/conversation/etiquette.ts'
import type { Line } from '../src/conversation/journal.ts'

const by = (name: string, text: string, more: object = {}) => ({
  id: `m-${text}`,
  senderInboxId: `inbox-${name}`,
  senderName: name,
  fromAgent: name === 'Robot',
  text,
  sentAt: '2030-01-01T00:00:00Z',
  ...more,
})
const said = (name: string, text = 'so it is', id = `l-${name}`): Line =>
  name === 'Ada'
    ? { from: 'self', name, text, id }
    : { from: name === 'Robot' ? 'agent' : 'person', name, text, id, sender: `inbox-${name}` }
const wants = (message: ReturnType<typeof by>, ...history: Line[]) => wantsAnswer(message, 'Ada', history)

const anyLine = fc
  .record({ name: fc.constantFrom('Ada', 'Alice', 'Bob', 'Robot'), text: fc.string() })
  .map(({ name, text }) => said(name, text))
const anyHistory = fc.array(anyLine, { maxLength: 12 })

test('a person who has the agent to themselves is always answered', () => {
  fc.assert(
    fc.property(anyHistory, fc.string(), (history, text) => {
      const alone = history.filter(({ name }) => name !== 'Bob')
      expect(wants(by('Alice', text), ...alone)).toBe(true)
    }),
  )
})

test('whoever names the agent or answers it is answered, in any company', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      expect(wants(by('Alice', 'what do you think, ada?'), ...history)).toBe(true)
      expect(wants(by('Alice', 'really?', { about: 'mine' }), ...history, said('Ada', 'yes', 'mine'), said('Bob'))).toBe(true)
    }),
  )
})

test('reactions are never answered', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      expect(wants(by('Alice', 'Ada', { isReaction: true, about: 'l-Ada' }), ...history)).toBe(false)
    }),
  )
})

test('without a person in between, agents are answered four times at most', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      let heard = [...history, said('Alice')]
      let answers = 0
      for (let turn = 0; turn < 10; turn++) {
        const isAnswered = wants(by('Robot', 'Ada?'), ...heard)
        heard = [...heard, said('Robot', 'Ada?'), ...(isAnswered ? [said('Ada')] : [])]
        if (isAnswered) answers++
      }
      expect(answers).toBe(4)
      expect(wants(by('Robot', 'Ada?'), ...heard, said('Bob'))).toBe(true)
    }),
  )
})

test.each([
  ['Bob', 'hello everybody', [said('Alice')], false],
  ['Bob', 'and the second?', [said('Alice'), said('Bob', 'Ada, which?'), said('Ada')], true],
  ['Alice', 'I thought so', [said('Alice'), said('Bob', 'Ada, which?'), said('Ada')], false],
  ['Bob', 'and then?', [said('Alice'), said('Bob'), said('Ada'), said('Alice')], false],
  ['Robot', 'hello everybody', [], false],
  ['Robot', 'this was adapted', [said('Ada')], false],
  ['Robot', 'what does ADA say', [], true],
])('%s says “%s”: answered %#', (name, text, history, expected) => {
  expect(wants(by(name, text), ...history)).toBe(expected)
})

test('what answers somebody else goes on with them', () => {
  const history = [said('Bob'), said('Alice', 'Ada?'), said('Ada')]
  expect(wants(by('Alice', 'indeed', { about: 'l-Bob' }), ...history)).toBe(false)
})

test('a name full of signs is a name, not a pattern', () => {
  expect(wantsAnswer(by('Robot', 'hello a.d+a (x)?'), 'A.D+A (x)', [])).toBe(true)
  expect(wantsAnswer(by('Robot', 'hello abd'), 'a.d', [])).toBe(false)
})
