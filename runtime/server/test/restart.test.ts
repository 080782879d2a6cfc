import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { spawnBox, world, type World } from './support/box.ts'

const said = (w: World) => w.network.only.said.map(({ text }) => text)

/** Asks without waiting: the process may be killed before it answers. */
const provisionUnanswered = (box: Awaited<ReturnType<typeof spawnBox>>, body = {}) => void box.provision(body).catch(() => null)

test('killed while creating, before the network did: the next process carries the claim out', async () => {
  const w = await world()
  const gate = w.network.gate('before', 'create')
  const first = await spawnBox(w)
  provisionUnanswered(first)
  await gate.reached
  await first.kill()
  gate.refuse()
  expect(w.network.conversations.size).toBe(0)

  const second = await spawnBox(w)
  await eventually('the claim is carried out', async () => (await second.health()).binding === 'active')
  expect(await second.provision()).toMatchObject({ status: 200, body: { status: 'active', conversationId: w.network.only.id } })
  expect(await second.provision({ claimId: 'claim-2' })).toMatchObject({ status: 409 })
})

test('killed while creating, after the network did: the conversation is found, not made twice', async () => {
  const w = await world()
  const gate = w.network.gate('after', 'create')
  const first = await spawnBox(w)
  provisionUnanswered(first)
  await gate.reached
  await first.kill()
  gate.open()

  const second = await spawnBox(w)
  const { body } = await second.provision()
  expect(body).toMatchObject({ conversationId: w.network.only.id, inviteUrl: w.network.only.inviteUrl })
})

test('killed while asking to join: the next process learns of the admission', async () => {
  const w = await world()
  const conversation = w.network.foreign()
  const gate = w.network.gate('after', 'join')
  const first = await spawnBox(w)
  provisionUnanswered(first, { joinUrl: conversation.inviteUrl })
  await gate.reached
  await first.kill()
  gate.open()

  const second = await spawnBox(w)
  await eventually('it is in', async () => (await second.health()).binding === 'active')
  await eventually('it greets', () => said(w).length === 1)
  expect(conversation.members.size).toBe(1)
})

test.each([true, false])('killed between a message and its reply: answered once (network tells again: %s)', async (replays) => {
  const w = await world()
  w.network.replays = replays
  const first = await spawnBox(w)
  await first.provision()
  w.network.personJoins(w.network.only)
  await eventually('the greeting', () => said(w).length === 1)
  const release = w.model.hold()
  w.network.say(w.network.only, 'one')
  w.network.say(w.network.only, 'two')
  await eventually('the model is asked', () => w.model.asked.length === 1)
  await first.kill()
  release()

  await spawnBox(w)
  await eventually('both are answered', () => said(w).length === 3)
  w.network.say(w.network.only, 'three')
  await eventually('the third too', () => said(w).length === 4)
  expect(said(w)).toEqual(["Hi, I'm Ada. How can I help?", 're: Alice: one', 're: Alice: two', 're: Alice: three'])
})

test.each([
  { keepsIds: true, how: 'said again under the same id' },
  { keepsIds: false, how: 'looked for, and found' },
])('killed after the reply was stored, before that was known: $how, so stored once', async ({ keepsIds }) => {
  const w = await world()
  w.network.keepsIds = keepsIds
  const first = await spawnBox(w)
  await first.provision()
  const gate = w.network.gate('after', 'command')
  w.network.say(w.network.only, 'one')
  await eventually('the reply is stored', () => said(w).length === 1)
  await first.kill()
  gate.open()
  const asked = w.model.asked.length

  await spawnBox(w)
  w.network.say(w.network.only, 'two')
  await eventually('the second is answered', () => said(w).length === 2)
  expect(said(w)).toEqual(['re: Alice: one', 're: Alice: two'])
  // the reply was on the disk before it was sent: the model is not asked for another one
  expect(w.model.asked).toHaveLength(asked + 1)
})

test('three kills in a row repeat nothing', async () => {
  const w = await world()
  let box = await spawnBox(w)
  await box.provision()
  w.network.personJoins(w.network.only)
  w.network.say(w.network.only, 'hello')
  await eventually('greeting and answer', () => said(w).length === 2)
  for (let round = 0; round < 3; round++) {
    await box.kill()
    box = await spawnBox(w)
    await eventually(
      'attached',
      async () => (await box.call('GET', '/convos/status', { token: 'gateway' })).body['streaming'] === true,
    )
  }
  w.network.say(w.network.only, 'bye')
  await eventually('the last answer', () => said(w).includes('re: Alice: bye'))
  expect(said(w)).toHaveLength(3)
})

test('SIGTERM: the message in hand is finished, the driver is gone, the exit is clean', async () => {
  const w = await world({ LOG_LEVEL: 'debug' })
  const box = await spawnBox(w)
  await box.provision()
  const release = w.model.hold()
  w.network.say(w.network.only, 'one')
  await eventually('the model is asked', () => w.model.asked.length === 1)
  const exit = box.terminate()
  await eventually('it is stopping', () => box.output().includes('stopping'))
  release()
  expect(await exit).toBe(0)
  expect(said(w)).toEqual(['re: Alice: one'])
  // nothing that was logged holds a secret
  const { INSTANCE_CONTROL_TOKEN = '', OPENCLAW_GATEWAY_TOKEN = '', OPENROUTER_API_KEY = '' } = w.env
  for (const secret of [INSTANCE_CONTROL_TOKEN, OPENCLAW_GATEWAY_TOKEN, OPENROUTER_API_KEY])
    expect(box.output()).not.toContain(secret)
})

test('a box that was bound listens without waiting for the network', async () => {
  const w = await world()
  const first = await spawnBox(w)
  await first.provision()
  await first.kill()
  const gate = w.network.gate('before', 'attach')
  const second = await spawnBox(w)
  expect(await second.health()).toMatchObject({ binding: 'active', conversationId: w.network.only.id, ready: true })
  gate.open()
})
