import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { joinPending, openBox, world } from './support/box.ts'

test('a fresh box is ready and clean, and holds no identity', async () => {
  const w = await world()
  const box = await openBox(w)
  expect(await box.health()).toMatchObject({ ready: true, clean: true, binding: 'none', claimId: null, lastActivityAt: null })
  expect(w.network.questions).toEqual([])
})

test('create: one conversation, its invite link, and the box is bound', async () => {
  const w = await world()
  const box = await openBox(w)
  const { status, body } = await box.provision()
  const { id, inviteUrl } = w.network.only
  expect(status).toBe(200)
  expect(body).toEqual({ ok: true, conversationId: id, inviteUrl, joined: false, status: 'active' })
  expect(await box.health()).toMatchObject({
    ready: true,
    clean: false,
    binding: 'active',
    claimId: 'claim-1',
    conversationId: id,
    inviteUrl,
  })
  expect(w.network.only.names).toEqual(['Ada'])
})

test('the same claim asked twenty times at once is carried out once, and each gets the same answer', async () => {
  const w = await world()
  const box = await openBox(w)
  const gate = w.network.gate('before', 'create')
  // called within the process, so that all of them certainly are in before the conversation exists
  const calls = Array.from({ length: 20 }, () =>
    box.agent.binder.provision({ claimId: 'claim-1', agentName: 'Ada', instructions: 'Be kind.' }),
  )
  await gate.reached
  expect(await box.health()).toMatchObject({ binding: 'working', claimId: 'claim-1' })
  gate.open()
  const answers = [...(await Promise.all(calls)), (await box.provision()).body]
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(w.network.only.id).toBe(answers[0]?.conversationId)
  expect(gate.count()).toBe(1)
})

test('a claim that meets another one is refused, whether that is at work or done', async () => {
  const w = await world()
  const box = await openBox(w)
  const gate = w.network.gate('before', 'create')
  const first = box.provision()
  await gate.reached
  const early = await box.provision({ claimId: 'claim-2', env: { STRANGER: 'x' } })
  expect(early).toMatchObject({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
  gate.open()
  await first
  expect(await box.provision({ claimId: 'claim-2' })).toMatchObject({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
  expect(box.agent.overlay.vars).toEqual({})
  expect(w.network.conversations.size).toBe(1)
})

test('a creation slower than its deadline answers 504, goes on, and the same claim asked again gets it', async () => {
  const w = await world()
  const box = await openBox(w, { createDeadlineMs: 100 })
  const gate = w.network.gate('before', 'create')
  expect(await box.provision()).toMatchObject({ status: 504, body: { code: 'PROVISION_TIMEOUT' } })
  expect(await box.health()).toMatchObject({ binding: 'working' })
  gate.open()
  await eventually('the work is done', async () => (await box.health()).binding === 'active')
  expect(await box.provision()).toMatchObject({ status: 200, body: { conversationId: w.network.only.id } })
})

test('a network that fails at first is asked again within the deadline', async () => {
  const w = await world()
  w.network.down.add('create')
  const box = await openBox(w)
  const answer = box.provision()
  await eventually('it was tried', () => w.network.questions.some(({ op }) => op === 'create'))
  w.network.down.clear()
  expect(await answer).toMatchObject({ status: 200, body: { conversationId: w.network.only.id } })
})

test('join: let in at once', async () => {
  const w = await world()
  const { id, inviteUrl } = w.network.foreign()
  const box = await openBox(w)
  const { body } = await box.provision({ joinUrl: inviteUrl })
  expect(body).toEqual({ ok: true, conversationId: id, inviteUrl, joined: true, status: 'active' })
  expect(await box.health()).toMatchObject({ binding: 'active', conversationId: id })
})

test('join: not let in within the deadline is pending, and becomes active when it is', async () => {
  const w = await world()
  w.network.door = 'closed'
  const conversation = w.network.foreign()
  const box = await openBox(w, { joinDeadlineMs: 300, joinLookMinMs: 20, joinLookMaxMs: 50 })
  const { status, body } = await joinPending(box, conversation.inviteUrl)
  expect(status).toBe(200)
  expect(body).toEqual({ ok: true, status: 'pending', joined: false, conversationId: null, inviteUrl: null })
  expect(await box.health()).toMatchObject({ binding: 'pending', conversationId: null, ready: true, clean: false })
  expect(await box.provision({ joinUrl: conversation.inviteUrl })).toMatchObject({ body: { status: 'pending' } })

  for (const { inboxId } of w.network.questions) conversation.members.add(inboxId)
  await eventually('the admission is seen', async () => (await box.health()).binding === 'active')
  expect(await box.provision({ joinUrl: conversation.inviteUrl })).toMatchObject({
    body: { joined: true, conversationId: conversation.id },
  })
  // the request itself was sent once: looking does not ask again
  expect(w.network.questions.filter(({ op }) => op === 'join')).toHaveLength(1)
})

test('join: where admissions cannot be looked up, asking again tells', async () => {
  const w = await world()
  w.network.door = 'closed'
  w.network.down.add('list')
  const { inviteUrl } = w.network.foreign()
  const box = await openBox(w, { joinDeadlineMs: 100, joinLookMinMs: 20 })
  await joinPending(box, inviteUrl)
  w.network.door = 'open'
  await eventually('the admission is seen', async () => (await box.health()).binding === 'active')
})

test('join: refused at once, or later while pending', async () => {
  const early = await world()
  early.network.door = 'refusing'
  const boxA = await openBox(early)
  expect(await boxA.provision({ joinUrl: early.network.foreign().inviteUrl })).toMatchObject({
    status: 409,
    body: { code: 'REFUSED' },
  })
  expect(await boxA.health()).toMatchObject({ binding: 'refused', clean: false, conversationId: null })

  const late = await world()
  late.network.door = 'closed'
  const boxB = await openBox(late, { joinDeadlineMs: 100, joinLookMinMs: 20, joinLookMaxMs: 20, joinAskAgainMs: 100 })
  await joinPending(boxB, late.network.foreign().inviteUrl)
  late.network.door = 'refusing'
  await eventually('the refusal is seen', async () => (await boxB.health()).binding === 'refused')
})

test('a request that could not be sent is not called pending', async () => {
  const w = await world()
  w.network.down.add('join')
  const { inviteUrl } = w.network.foreign()
  const box = await openBox(w, { joinDeadlineMs: 200, joinLookMinMs: 20 })
  expect(await box.provision({ joinUrl: inviteUrl })).toMatchObject({ status: 504 })
  expect(await box.health()).toMatchObject({ binding: 'working' })
})

test('the holder of the gateway token may bind a box that nobody claimed, once', async () => {
  const w = await world()
  const box = await openBox(w)
  const status = () => box.call('GET', '/convos/status', { token: 'gateway' })
  expect(await status()).toEqual({ status: 200, body: { ready: true, conversation: null, streaming: false } })
  const created = await box.call('POST', '/convos/conversation', { token: 'gateway', body: { agentName: 'Bo' } })
  const { id, inviteUrl } = w.network.only
  expect(created).toMatchObject({ status: 201, body: { conversationId: id, inviteUrl } })
  expect(await status()).toMatchObject({ body: { ready: true, conversation: { id, inviteUrl }, streaming: true } })
  const joinUrl = w.network.foreign().inviteUrl
  expect(await box.call('POST', '/convos/join', { token: 'gateway', body: { inviteUrl: joinUrl } })).toMatchObject({
    status: 409,
  })
  expect(await box.provision()).toMatchObject({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
})
