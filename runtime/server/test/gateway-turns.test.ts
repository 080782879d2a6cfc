import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { gatewayWorld, openGatewayBox } from './support/gateway.ts'

/** A box with a claim and a conversation, whose gateway is ready. */
async function claimed(short: Parameters<typeof openGatewayBox>[1] = {}, body: Record<string, unknown> = {}) {
  const w = await gatewayWorld()
  const box = await openGatewayBox(w, short)
  expect((await box.provision(body)).status).toBe(200)
  const conversation = w.network.only
  const said = () => conversation.said.map(({ text }) => text)
  return { w, box, conversation, said }
}

test('a message is answered by who the claim says, with the claim’s model', async () => {
  const { w, conversation, said } = await claimed({}, { model: 'acme/large' })
  w.network.say(conversation, 'hello', { id: 'm1' })
  await eventually('an answer', () => said().length === 1)
  expect(said()).toEqual(['Ada (You are a careful librarian.): hello'])
  expect(w.turns()).toMatchObject([
    { conversationId: conversation.id, session: 0, model: 'acme/large', message: { id: 'm1', senderName: 'Alice' }, history: [] },
  ])
})

test('a changed profile counts from the next message on, without a restart', async () => {
  const { w, box, conversation, said } = await claimed()
  await box.call('PATCH', '/pool/profile', { body: { instructions: 'Be a cook.', model: 'acme/new', revision: 1 } })
  w.network.say(conversation, 'hello')
  await eventually('an answer', () => said().length === 1)
  expect(said()).toEqual(['Ada (Be a cook.): hello'])
  expect(w.turns()[0]).toMatchObject({ model: 'acme/new' })
  expect(w.starts()).toHaveLength(1)
})

test('a message waits while the gateway is not ready, and is answered once it is', async () => {
  const { w, conversation, said } = await claimed()
  w.misbehave({ boots: 'never' })
  process.kill(w.starts()[0] ?? 0, 'SIGKILL')
  await eventually('another one starts', () => w.starts().length === 2)
  w.network.say(conversation, 'hello')
  await eventually('it was heard', () => w.network.questions.some(({ op }) => op === 'events'))
  expect(said()).toEqual([])
  w.misbehave({})
  await eventually('an answer', () => said().length === 1)
  expect(said()).toEqual(['Ada (You are a careful librarian.): hello'])
  expect(w.turns()).toHaveLength(1)
})

test('a gateway that is killed over a message is asked again, with the same message', async () => {
  const { w, conversation, said } = await claimed()
  w.misbehave({ turns: 'die' })
  w.network.say(conversation, 'hello', { id: 'm1' })
  await eventually('it died over it', () => w.starts().length >= 2)
  w.misbehave({})
  await eventually('an answer', () => said().length === 1)
  expect(new Set(w.turns().map(({ message }) => message.id))).toEqual(new Set(['m1']))
  expect(said()).toEqual(['Ada (You are a careful librarian.): hello'])
})

test('a message over which the gateway dies each time is given up with an apology, and the next one is answered', async () => {
  const { w, conversation, said } = await claimed({ turnAttempts: 2 })
  w.misbehave({ turns: 'die' })
  w.network.say(conversation, 'hello')
  await eventually('an apology', () => said()[0]?.startsWith("I'm sorry"))
  w.misbehave({})
  w.network.say(conversation, 'and now?')
  await eventually('an answer', () => said().length === 2)
  expect(said()[1]).toContain('and now?')
})

test('a turn that takes too long is asked again', async () => {
  const { w, conversation, said } = await claimed({ turnMs: 200 })
  w.misbehave({ turns: 'hang' })
  w.network.say(conversation, 'hello')
  await eventually('it was asked', () => w.turns().length === 1)
  w.misbehave({})
  await eventually('an answer', () => said().length === 1)
})

test('a model that fails for good is apologised for in words, at once', async () => {
  const { w, conversation, said } = await claimed()
  w.misbehave({ turns: 'fail' })
  w.network.say(conversation, 'hello')
  await eventually('an apology', () => said().length === 1)
  expect(said()).toEqual(["I'm sorry, I can't answer: the account that pays for my model has no credit left."])
  expect(w.turns()).toHaveLength(1)
})

test('an agent that has nothing to say says nothing', async () => {
  const { w, conversation, said } = await claimed()
  w.misbehave({ turns: 'silent' })
  w.network.say(conversation, 'hello')
  await eventually('it was asked', () => w.turns().length === 1)
  w.misbehave({})
  w.network.say(conversation, 'you?')
  await eventually('an answer', () => said().length === 1)
  expect(said()[0]).toContain('you?')
})

test('model settings laid over reach the gateway by the next message', async () => {
  const { w, box, conversation, said } = await claimed()
  await box.call('POST', '/pool/env', {
    body: { env: { OPENROUTER_API_KEY: 'another-key-entirely', TELNYX_API_KEY: 'a-key-for-tools' } },
  })
  w.network.say(conversation, 'hello')
  await eventually('an answer', () => said().length === 1)
  expect(w.starts()).toHaveLength(2)
  const environ = w.processes().flatMap((process) => process.environ)
  expect(environ).toContain('OPENROUTER_API_KEY=another-key-entirely')
  expect(environ.some((variable) => variable.startsWith('TELNYX_API_KEY='))).toBe(false)
  expect(environ).toContain(`AGENT_ENV_FILE=${w.volume}/agent/env.json`)
})
