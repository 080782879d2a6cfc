import { existsSync } from 'node:fs'
import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { stateFolder } from '../src/state/folder.ts'
import { type Box, joinPending, openBox, world } from './support/box.ts'

const cancel = (box: Box, claimId = 'claim-1') => box.call('POST', '/pool/cancel', { body: { claimId } })
const NOT_JOINED = { status: 200, body: { joined: false } }
const JOINED = { status: 200, body: { joined: true } }

test('a claim cancelled before it came is refused when it comes, and the box is not clean any more', async () => {
  const w = await world()
  const box = await openBox(w)
  expect(await cancel(box)).toEqual(NOT_JOINED)
  expect(await box.provision()).toMatchObject({ status: 409, body: { code: 'CANCELLED' } })
  expect(await box.provision({ claimId: 'claim-2' })).toMatchObject({ status: 409, body: { code: 'FOREIGN_CLAIM' } })
  expect(await box.health()).toMatchObject({ clean: false, binding: 'refused', claimId: 'claim-1' })

  await box.close()
  const again = await openBox(w)
  expect(await again.provision()).toMatchObject({ status: 409, body: { code: 'CANCELLED' } })
  expect(w.network.conversations.size).toBe(0)
})

test('create, still at work: who waits is told, and what is created afterwards changes nothing', async () => {
  const w = await world()
  const box = await openBox(w)
  const gate = w.network.gate('after', 'create')
  const waiting = box.provision()
  await gate.reached
  expect(await cancel(box)).toEqual(NOT_JOINED)
  expect(await waiting).toMatchObject({ status: 409, body: { code: 'CANCELLED' } })
  gate.open()
  expect(await box.health()).toMatchObject({ binding: 'refused', clean: false, conversationId: null })
})

test('create, active: the agent falls silent for good', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  expect(await cancel(box)).toEqual(NOT_JOINED)
  expect(await cancel(box)).toEqual(NOT_JOINED)
  expect(await box.health()).toMatchObject({ binding: 'refused', clean: false, claimId: 'claim-1' })
  await box.close()
  const again = await openBox(w)
  expect(await again.call('GET', '/convos/status', { token: 'gateway' })).toMatchObject({ body: { streaming: false } })
  expect(w.network.questions.filter(({ op }) => op === 'attach')).toEqual([])
})

test('join, active: it is in, and stays', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision({ joinUrl: w.network.foreign().inviteUrl })
  expect(await cancel(box)).toEqual(JOINED)
  expect(await box.health()).toMatchObject({ binding: 'active' })
})

test('join, pending: the request is withdrawn together with the identity that made it', async () => {
  const w = await world()
  w.network.door = 'closed'
  const conversation = w.network.foreign()
  const box = await openBox(w, { joinDeadlineMs: 100, joinLookMinMs: 20 })
  await joinPending(box, conversation.inviteUrl)
  const [once, twice] = await Promise.all([cancel(box), cancel(box)])
  expect([once, twice]).toEqual([NOT_JOINED, NOT_JOINED])
  expect(existsSync(stateFolder(w.config.stateDir).convosHome)).toBe(false)

  // whoever lets it in now lets in nobody
  for (const { inboxId } of w.network.questions) conversation.members.add(inboxId)
  const asked = w.network.questions.length
  await box.close()
  const again = await openBox(w)
  expect(await again.health()).toMatchObject({ binding: 'refused', conversationId: null, clean: false })
  expect(w.network.questions).toHaveLength(asked)
})

test('join, pending, let in just before: the claim completes', async () => {
  const w = await world()
  w.network.door = 'closed'
  const conversation = w.network.foreign()
  // no look in the background: the one that the cancel makes must see it
  const box = await openBox(w, { joinDeadlineMs: 200, joinLookMinMs: 60_000, joinLookMaxMs: 60_000 })
  await joinPending(box, conversation.inviteUrl)
  for (const { inboxId } of w.network.questions) conversation.members.add(inboxId)
  expect(await cancel(box)).toEqual(JOINED)
  expect(await box.health()).toMatchObject({ binding: 'active', conversationId: conversation.id })
  await eventually('it takes its seat', () => conversation.names.length > 0)
})

test('join, pending, and nobody can say whether it is in: unconfirmed, and it goes on waiting', async () => {
  const w = await world()
  w.network.door = 'closed'
  const box = await openBox(w, { joinDeadlineMs: 100, joinLookMinMs: 20, joinLookMaxMs: 50 })
  await joinPending(box, w.network.foreign().inviteUrl)
  w.network.down.add('list').add('join')
  expect(await cancel(box)).toMatchObject({ status: 503, body: { code: 'WITHDRAWAL_UNCONFIRMED' } })
  expect(await box.health()).toMatchObject({ binding: 'pending' })
  w.network.down.clear()
  expect(await cancel(box)).toEqual(NOT_JOINED)
})

test('another claim than the one that is served can be cancelled without harm', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  expect(await cancel(box, 'claim-2')).toEqual(NOT_JOINED)
  expect(await box.health()).toMatchObject({ binding: 'active', claimId: 'claim-1' })
})
