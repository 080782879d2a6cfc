import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { openBox, world, type World } from './support/box.ts'

const said = (w: World) => w.network.only.said.map(({ text }) => text)
const bound = async (w: World, short: Parameters<typeof openBox>[1] = {}) => {
  const box = await openBox(w, short)
  await box.provision()
  return box
}

test('the instructions of the claim reach the model, under the name of the agent', async () => {
  const w = await world()
  const box = await bound(w)
  const id = w.network.say(w.network.only, 'which shelf?')
  await eventually('it answered', () => w.network.only.said.length === 1)
  const [ask] = w.model.asked
  expect(ask?.messages[0]).toMatchObject({
    role: 'system',
    content: expect.stringContaining('Your name is Ada.\n\nYou are a careful librarian.'),
  })
  expect(ask?.messages.at(-1)).toEqual({ role: 'user', content: 'Alice: which shelf?' })
  expect(ask?.model).toBe('acme/small')
  expect(w.network.only.said[0]).toMatchObject({ id: `reply-${id}`, replyTo: id, text: 're: Alice: which shelf?' })
  expect((await box.health()).lastActivityAt).toMatch(/^\d{4}-\d\d-\d\dT/)
})

test('the first one who comes is greeted, the second is not', async () => {
  const w = await world()
  await bound(w)
  expect(said(w)).toEqual([])
  w.network.personJoins(w.network.only)
  w.network.personJoins(w.network.only, 'inbox-bob')
  w.network.say(w.network.only, 'hello')
  await eventually('both are dealt with', () => said(w).length === 2)
  expect(said(w)).toEqual(["Hi, I'm Ada. How can I help?", 're: Alice: hello'])
})

test('who joins a conversation greets those who are there', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision({ joinUrl: w.network.foreign().inviteUrl })
  await eventually('the greeting', () => said(w).length === 1)
  expect(said(w)).toEqual(["Hi, I'm Ada. How can I help?"])
})

test('messages are answered in order, one at a time, each knowing what came before', async () => {
  const w = await world()
  const release = w.model.hold()
  await bound(w)
  for (const text of ['one', 'two', 'three']) w.network.say(w.network.only, text)
  await eventually('the first is asked', () => w.model.asked.length === 1)
  release()
  await eventually('all are answered', () => said(w).length === 3)
  expect(said(w)).toEqual(['re: Alice: one', 're: Alice: two', 're: Alice: three'])
  expect(w.model.asked[2]?.messages.slice(1).map(({ role, content }) => `${role} ${content}`)).toEqual([
    'user Alice: one',
    'assistant re: Alice: one',
    'user Alice: two',
    'assistant re: Alice: two',
    'user Alice: three',
  ])
})

test.each([429, 503])('a model that answers %i once is asked once more', async (status) => {
  const w = await world()
  w.model.failures = [status]
  await bound(w)
  w.network.say(w.network.only, 'hello')
  await eventually('it answered', () => said(w).length === 1)
  expect(said(w)).toEqual(['re: Alice: hello'])
  expect(w.model.asked).toHaveLength(2)
})

test.each([
  { failures: [500, 500], words: 'did not respond as it should', calls: 2 },
  { failures: [402], words: 'no credit left', calls: 1 },
  { failures: [403], words: 'used up the model budget', calls: 1 },
  { failures: [404], words: 'the model I was told to use is not one that I can reach', calls: 1 },
])(
  'a model that fails with $failures gets an honest apology, and the next message its answer',
  async ({ failures, words, calls }) => {
    const w = await world()
    w.model.failures = failures
    await bound(w)
    w.network.say(w.network.only, 'hello')
    w.network.say(w.network.only, 'again')
    await eventually('both are dealt with', () => said(w).length === 2)
    expect(said(w)[0]).toContain(words)
    expect(said(w)[1]).toBe('re: Alice: again')
    expect(w.model.asked).toHaveLength(calls + 1)
  },
)

test('a model that never answers is waited for until the deadline only', async () => {
  const w = await world()
  w.model.hold()
  await bound(w, { modelMs: 100 })
  w.network.say(w.network.only, 'hello')
  await eventually('the apology', () => said(w).length === 1)
  expect(said(w)[0]).toContain('Please ask me again')
})

test('another agent is answered when it speaks to ours by name, and never without end', async () => {
  const w = await world()
  await bound(w)
  const { only } = w.network
  const robot = { by: 'Robot', kind: 'agent' } as const
  w.network.say(only, 'the weather is adapted', robot)
  for (let turn = 1; turn <= 6; turn++) w.network.say(only, `ada, turn ${turn}?`, robot)
  w.network.say(only, 'what did it say?')
  await eventually('the person has the answer', () => said(w).includes('re: Alice: what did it say?'))
  expect(said(w)).toEqual([...[1, 2, 3, 4].map((turn) => `re: Robot: ada, turn ${turn}?`), 're: Alice: what did it say?'])
  // what was not answered was heard all the same
  expect(w.model.asked.at(-1)?.messages.map(({ content }) => content)).toContain('Robot: ada, turn 6?')
})

/** Something that Alice sends, other than a text. */
const send = (w: World, id: string, more: object) =>
  w.network.emit(w.network.only, {
    event: 'message',
    id,
    senderInboxId: 'inbox-alice',
    senderProfile: { name: 'Alice' },
    sentAt: new Date().toISOString(),
    ...more,
  })

test('what the agent said itself, and what members and titles do, is not answered', async () => {
  const w = await world()
  await bound(w)
  const { only } = w.network
  const [me = ''] = only.members
  send(w, 'x1', { contentType: { typeId: 'group_updated' }, content: { added: ['x'] } })
  send(w, 'x2', { contentType: 'text', content: 'my own words', senderInboxId: me })
  w.network.say(only, 'hello')
  await eventually('it answered', () => said(w).length > 0)
  expect(said(w)).toEqual(['re: Alice: hello'])
})

test('a reaction is not answered, but known when the next message is', async () => {
  const w = await world()
  await bound(w)
  w.network.say(w.network.only, 'which shelf?')
  await eventually('it answered', () => said(w).length === 1)
  const content = { reference: 'reply-m0', content: '👎', action: 'added' }
  send(w, 'r1', { contentType: { typeId: 'reaction' }, content })
  w.network.say(w.network.only, 'think again')
  await eventually('it answered', () => said(w).length === 2)
  expect(said(w)[1]).toBe('re: Alice: think again')
  expect(w.model.asked.at(-1)?.messages.at(-2)?.content).toBe(
    'Alice: (about what you said: “re: Alice: which shelf?”) (reacted with 👎)',
  )
})

test('a file is answered for what it is', async () => {
  const w = await world()
  await bound(w)
  const remoteAttachment = { url: 'https://files.example/1', filename: 'shelf.jpg', secret: 'x' }
  send(w, 'f1', { contentType: { typeId: 'remoteStaticAttachment' }, remoteAttachment })
  await eventually('it answered', () => said(w).length === 1)
  expect(said(w)).toEqual(['re: Alice: (sent a file: shelf.jpg, https://files.example/1)'])
})

test('where several persons write, what is not meant for the agent is heard and left alone', async () => {
  const w = await world()
  await bound(w)
  const { only } = w.network
  w.network.say(only, 'hello')
  w.network.say(only, 'hi Alice!', { by: 'Bob' })
  w.network.say(only, 'did you eat?')
  w.network.say(only, 'Ada, who spoke last?', { by: 'Bob' })
  await eventually('it answered', () => said(w).length === 2)
  expect(said(w)).toEqual(['re: Alice: hello', 're: Bob: Ada, who spoke last?'])
  expect(w.model.asked.at(-1)?.messages.at(-2)?.content).toBe('Alice: did you eat?')
})

test.each([[[]], [[500, 500]]])(
  'it is typing while it makes an answer, and not any more afterwards (failures: %j)',
  async (failures) => {
    const w = await world()
    const release = w.model.hold()
    w.model.failures = failures
    await bound(w)
    w.network.say(w.network.only, 'hello')
    await eventually('it is typing', () => w.network.commanded('typing').length === 1)
    release()
    await eventually('the answer, and an end to the typing', () => w.network.commanded('typing').length === 2)
    expect(w.network.commanded('typing', 'send')).toMatchObject([
      { type: 'typing', isTyping: true },
      { type: 'send' },
      { type: 'typing', isTyping: false },
    ])
  },
)

test('one read receipt for all that came together', async () => {
  const w = await world()
  const release = w.model.hold()
  await bound(w, { readReceiptMs: 300 })
  for (let n = 0; n < 50; n++) w.network.say(w.network.only, `message ${n}`)
  await eventually('the receipt', () => w.network.commanded('read-receipt').length > 0)
  release()
  await eventually('all are answered', () => said(w).length === 50)
  expect(w.network.commanded('read-receipt')).toHaveLength(1)
})

test('lines that are no events, and events nobody knows, disturb nothing', async () => {
  const w = await world()
  const box = await bound(w)
  const { only } = w.network
  for (const line of [
    '{"event":',
    'npm warn',
    '[]',
    'null',
    '{"event":"message"}',
    { event: 'typing' },
    { event: 'ready' },
    '',
    7,
  ])
    w.network.emit(only, line)
  w.network.say(only, 'hello')
  await eventually('it answered', () => said(w).length === 1)
  expect(await box.health()).toMatchObject({ ready: true, binding: 'active' })
})
