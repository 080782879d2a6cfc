import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wantsAnswer } from '../src/conversation/etiquette.ts'
import { composed, emptyJournal, finished, heard, type Journal, toGreet } from '../src/conversation/journal.ts'

/** When messages are dealt with, long after they were sent. */
const T0 = new Date('2030-01-01T00:00:00Z')
const message = (n: number, fromAgent = false) => ({
  id: `m${n}`,
  senderInboxId: 'inbox-alice',
  senderName: 'Alice',
  fromAgent,
  text: `message ${n}`,
  sentAt: new Date(T0.getTime() - 10_000_000 + n * 1000).toISOString(),
})
const hear = (journal: Journal, n: number) => heard(journal, message(n), T0) ?? journal
const answer = (journal: Journal) => finished(composed(journal, 'yes'), { said: true, agentName: 'Ada', now: T0 })

test('however often messages are told again, and whatever was answered in between, each is a task once', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(8), fc.constant('answer' as const)), { maxLength: 60 }), (steps) => {
      const answered: string[] = []
      let journal = emptyJournal('v1')
      for (const step of steps) {
        if (step !== 'answer') journal = hear(journal, step)
        else if (journal.tasks[0]) {
          answered.push(journal.tasks[0].id)
          journal = answer(journal)
        }
      }
      const all = [...answered, ...journal.tasks.map(({ id }) => id)]
      expect(new Set(all).size).toBe(all.length)
      expect(new Set(all)).toEqual(new Set(steps.filter((step) => step !== 'answer').map((n) => `reply-m${n}`)))
    }),
  )
})

test.each(['2099-01-01T00:00:00Z', 'someday'])('a message dated %s does not make those that follow it old', (sentAt) => {
  let journal = answer(heard(emptyJournal('v1'), { ...message(0), sentAt }, T0) ?? emptyJournal('v1'))
  for (let n = 1; n <= 1_200; n++) {
    const next = heard(journal, message(n), T0)
    expect(next, `message ${n} is heard`).not.toBeNull()
    journal = answer(next ?? journal)
  }
  expect(heard(journal, message(1), T0), 'what was forgotten is still not new').toBeNull()
})

test('after thousands of messages the journal is bounded, and the forgotten ones are still not new', () => {
  let journal = emptyJournal('v1')
  for (let n = 0; n < 2_500; n++) journal = answer(hear(journal, n))
  expect(journal.seen).toHaveLength(1_000)
  expect(journal.history).toHaveLength(60)
  for (const n of [0, 1_000, 1_499, 1_500, 2_499]) expect(heard(journal, message(n), T0)).toBeNull()
  expect(heard(journal, message(2_500), T0)).not.toBeNull()
})

test('one greeting, first in line; none where the conversation has begun', () => {
  const greeted = toGreet(emptyJournal('v1'), 'Hi')
  expect(greeted?.tasks).toEqual([{ id: 'greeting-v1', message: null, reply: 'Hi' }])
  expect(greeted && toGreet(greeted, 'Hi')).toBeNull()
  expect(toGreet(hear(emptyJournal('v1'), 1), 'Hi')?.tasks.map(({ id }) => id)).toEqual(['reply-m1'])
})

test('a message that is left unanswered was heard all the same', () => {
  const journal = finished(hear(emptyJournal('v1'), 1), { said: false, agentName: 'Ada', now: T0 })
  expect(journal.history).toEqual([{ from: 'person', name: 'Alice', text: 'message 1' }])
  expect(journal.tasks).toEqual([])
})

test.each([
  ['Ada, are you there?', true],
  ['what does ADA say', true],
  ['this was adapted', false],
  ['hello everybody', false],
])('another agent says “%s”: answered %s', (text, expected) => {
  expect(wantsAnswer({ ...message(1, true), text }, 'Ada', [])).toBe(expected)
})

test('a name full of signs is a name, not a pattern', () => {
  expect(wantsAnswer({ ...message(1, true), text: 'hello a.d+a (x)?' }, 'A.D+A (x)', [])).toBe(true)
  expect(wantsAnswer({ ...message(1, true), text: 'hello abd' }, 'a.d', [])).toBe(false)
})
