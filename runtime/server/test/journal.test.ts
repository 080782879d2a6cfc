import fc from 'fast-check'
import { expect, test } from 'vitest'
import { advance, emptyJournal, inContext, type Journal, type Step } from '../src/conversation/journal.ts'

/** When messages are dealt with, long after they were sent. */
const T0 = new Date('2030-01-01T00:00:00Z')
const message = (n: number) => ({
  id: `m${n}`,
  senderInboxId: 'inbox-alice',
  senderName: 'Alice',
  fromAgent: false,
  text: `message ${n}`,
  sentAt: new Date(T0.getTime() - 10_000_000 + n * 1000).toISOString(),
})
type Message = Extract<Step, { step: 'heard' }>['message']
const at = T0.toISOString()
const steps = (journal: Journal, ...all: Step[]) => all.reduce((now, step) => advance(now, step) ?? now, journal)
const heard = (journal: Journal, what: Message) => advance(journal, { step: 'heard', message: what, at })
const hear = (journal: Journal, n: number) => heard(journal, message(n)) ?? journal
const answered = { step: 'finished', messageId: 'x', agentName: 'Ada', at } as const
const answer = (journal: Journal) => steps(journal, { step: 'composed', reply: 'yes', at }, answered)
const toGreet = (journal: Journal) => advance(journal, { step: 'greet', text: 'Hi', at })

test('however often messages are told again, and whatever was answered in between, each is a task once', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(8), fc.constant('answer' as const)), { maxLength: 60 }), (acts) => {
      const done: string[] = []
      let journal = emptyJournal('v1')
      for (const act of acts) {
        if (act !== 'answer') journal = hear(journal, act)
        else if (journal.tasks[0]) {
          done.push(journal.tasks[0].id)
          journal = answer(journal)
        }
      }
      const all = [...done, ...journal.tasks.map(({ id }) => id)]
      expect(new Set(all).size).toBe(all.length)
      expect(new Set(all)).toEqual(new Set(acts.filter((act) => act !== 'answer').map((n) => `reply-m${n}`)))
    }),
  )
})

test.each(['2099-01-01T00:00:00Z', 'someday'])('a message dated %s does not make those that follow it old', (sentAt) => {
  let journal = answer(heard(emptyJournal('v1'), { ...message(0), sentAt }) ?? emptyJournal('v1'))
  for (let n = 1; n <= 1_200; n++) {
    const next = heard(journal, message(n))
    expect(next, `message ${n} is heard`).not.toBeNull()
    journal = answer(next ?? journal)
  }
  expect(heard(journal, message(1)), 'what was forgotten is still not new').toBeNull()
})

test('after thousands of messages the journal is bounded, and the forgotten ones are still not new', () => {
  let journal = emptyJournal('v1')
  for (let n = 0; n < 2_500; n++) journal = answer(hear(journal, n))
  expect(journal.seen).toHaveLength(1_000)
  expect(journal.history).toHaveLength(60)
  for (const n of [0, 1_000, 1_499, 1_500, 2_499]) expect(heard(journal, message(n))).toBeNull()
  expect(heard(journal, message(2_500))).not.toBeNull()
})

test('one greeting, first in line; none where the conversation has begun', () => {
  const greeted = toGreet(emptyJournal('v1'))
  expect(greeted?.tasks).toEqual([{ id: 'greeting-v1', message: null, reply: 'Hi', since: at, session: 0 }])
  expect(greeted && toGreet(greeted)).toBeNull()
  expect(toGreet(hear(emptyJournal('v1'), 1))?.tasks.map(({ id }) => id)).toEqual(['reply-m1'])
})

test('a message that is left unanswered was heard all the same', () => {
  const journal = steps(hear(emptyJournal('v1'), 1), { ...answered, messageId: null })
  expect(journal.history).toMatchObject([{ from: 'person', name: 'Alice', text: 'message 1' }])
  expect(journal.tasks).toEqual([])
})

test('what the agent says of its own accord is noted once per id, and once more it is known what became of it', () => {
  const remark = { step: 'remark', remark: { id: 'r1', text: 'Good morning', replyTo: null, since: at } } as const
  const noted = steps(emptyJournal('v1'), remark)
  expect(advance(noted, remark)).toBeNull()
  const said = steps(noted, { step: 'remarked', id: 'r1', messageId: 'n1', agentName: 'Ada', at })
  expect(said).toMatchObject({ outbox: [], said: [{ id: 'r1', messageId: 'n1' }], history: [{ from: 'self', id: 'n1' }] })
  expect(advance(said, remark)).toBeNull()
  // one that was given up may be asked for again
  const givenUp = steps(noted, { step: 'remarked', id: 'r1', messageId: null, agentName: 'Ada', at })
  expect(givenUp).toMatchObject({ outbox: [], said: [], history: [] })
  expect(advance(givenUp, remark)).not.toBeNull()
})

test('an answer to another message reads together with it, as far as it is remembered', () => {
  const journal = answer(hear(emptyJournal('v1'), 1))
  expect(inContext({ ...message(2), text: 'why?', about: 'x' }, journal.history)).toBe('(about what you said: “yes”) why?')
  expect(inContext({ ...message(2), text: 'why?', about: 'm1' }, journal.history)).toBe(
    '(about what Alice said: “message 1”) why?',
  )
  expect(inContext({ ...message(2), text: 'why?', about: 'm0' }, journal.history)).toBe('why?')
})

test('who a message is from is known from what its sender told, where it does not say so itself', () => {
  const met = (name: string | null, isAgent: boolean | null) =>
    ({ step: 'met', member: { inboxId: 'inbox-alice', name, isAgent } }) as const
  const nameless = { ...message(1), senderName: 'Someone' }
  const known = steps(emptyJournal('v1'), met('Alice', null), met(null, true))
  expect(heard(known, nameless)?.tasks[0]?.message).toMatchObject({ senderName: 'Alice', fromAgent: true })
  expect(heard(known, message(1))?.tasks[0]?.message).toMatchObject({ senderName: 'Alice', fromAgent: true })
  expect(advance(known, met('Alice', true))).toBeNull()
  const other = answer(heard(emptyJournal('v1'), { ...message(1), senderName: 'Bot', fromAgent: true }) ?? emptyJournal('v1'))
  const later = heard(other, { ...message(2), senderName: 'Someone' })
  expect(later?.tasks[0]?.message, 'as it was heard last').toMatchObject({ senderName: 'Bot', fromAgent: true })
  let crowd = known
  for (let n = 0; n < 500; n++) crowd = steps(crowd, { step: 'met', member: { inboxId: `i${n}`, name: 'x', isAgent: null } })
  expect(crowd.members).toHaveLength(200)
})

test('to forget is to answer without what was said; what was heard stays heard', () => {
  const journal = steps(hear(answer(hear(emptyJournal('v1'), 1)), 2), { step: 'forget' })
  expect(journal).toMatchObject({ history: [], session: 1, tasks: [{ id: 'reply-m2' }] })
  expect(heard(journal, message(1))).toBeNull()
})

test('what was heard before is not remembered, though it is answered afterwards', () => {
  const journal = answer(steps(hear(emptyJournal('v1'), 1), { step: 'forget' }))
  expect(journal).toMatchObject({ tasks: [], history: [] })
  expect(answer(hear(journal, 2)).history).toMatchObject([{ id: 'm2' }, { from: 'self' }])
})
