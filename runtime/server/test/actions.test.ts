import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, scoped, temporaryFolder } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { type LinkAction, LinkActionReply } from '../src/link/actions.ts'
import { stateFolder } from '../src/state/folder.ts'
import { type Box, openBox, world, type World } from './support/box.ts'

type Asked = LinkAction extends infer Each
  ? Each extends { action: string }
    ? Partial<Each> & Pick<Each, 'action'>
    : never
  : never
const act = (box: Box, action: Asked) => box.call('POST', '/link/actions', { token: 'link', body: action })
const owner = (box: Box, path: string, body: object = {}) => box.call('POST', `/convos/${path}`, { token: 'gateway', body })
const said = (w: World) => w.network.only.said.map(({ text }) => text)
const bound = async (short: Parameters<typeof openBox>[1] = {}) => {
  const w = await world()
  const box = await openBox(w, short)
  await box.provision()
  return { w, box }
}

test('the agent says something of its own accord, in the midst of an answer, and it is part of the conversation', async () => {
  const { w, box } = await bound()
  const release = w.model.hold()
  w.network.say(w.network.only, 'look it up')
  await eventually('the model is asked', () => w.model.asked.length === 1)
  const { body } = await act(box, { action: 'send', text: 'One moment.', replyTo: 'm0' })
  expect(LinkActionReply.parse(body).messageId).toBe(w.network.only.said[0]?.id)
  release()
  await eventually('the answer', () => said(w).length === 2)
  w.network.say(w.network.only, 'thanks')
  await eventually('the next answer', () => said(w).length === 3)
  expect(said(w)).toEqual(['One moment.', 're: Alice: look it up', 're: Alice: thanks'])
  expect(w.model.asked.at(-1)?.messages.map(({ content }) => content)).toContain('One moment.')
})

test('said under an id it is said once, however often and by however many it is asked for', async () => {
  const { w, box } = await bound()
  w.network.keepsIds = false
  const report = { action: 'send', text: 'Good morning', id: 'morning-1' } as const
  const answers = await Promise.all([act(box, report), act(box, report), act(box, report)])
  answers.push(await act(box, report))
  expect(new Set(answers.map(({ body }) => body['messageId'])).size).toBe(1)
  await act(box, { action: 'send', text: 'Good morning' })
  expect(said(w)).toEqual(['Good morning', 'Good morning'])
})

test('noted before it is sent: killed in between, it is said once by the next process', async () => {
  const w = await world()
  const box = await openBox(w, { actionMs: 300, drainMs: 100 })
  await box.provision()
  w.network.ignores.add('send')
  const answer = await act(box, { action: 'send', text: 'Good morning', id: 'morning-1' })
  expect(answer).toMatchObject({ status: 504, body: { code: 'SEND_PENDING' } })
  await box.close()
  w.network.ignores.clear()
  const again = await openBox(w)
  await eventually('it is said', () => said(w).length === 1)
  expect((await act(again, { action: 'send', text: 'Good morning', id: 'morning-1' })).status).toBe(200)
  expect(said(w)).toEqual(['Good morning'])
})

test('what the network refuses again and again is given up, and said to be', async () => {
  const { w, box } = await bound({ sendAttempts: 2 })
  w.network.refuses.add('send')
  expect(await act(box, { action: 'send', text: 'x', id: '1' })).toMatchObject({ status: 502, body: { code: 'SEND_FAILED' } })
  w.network.refuses.clear()
  expect(await act(box, { action: 'send', text: 'x', id: '1' })).toMatchObject({ status: 200 })
})

test('several acts at once, each with its own answer', async () => {
  const { w, box } = await bound()
  const gate = w.network.gate('after', 'command')
  w.network.refuses.add('rename')
  const acts = [
    act(box, { action: 'react', messageId: 'm0', emoji: '👍' }),
    act(box, { action: 'send', text: 'one' }),
    act(box, { action: 'rename', name: 'Books' }),
    act(box, { action: 'react', messageId: 'm1', emoji: '👎', remove: true }),
    act(box, { action: 'update-profile', name: 'Ada L.', metadata: { mood: 'calm' } }),
  ]
  await eventually('all are under way', () => gate.count() === acts.length)
  gate.open()
  expect((await Promise.all(acts)).map(({ status }) => status)).toEqual([200, 200, 422, 200, 200])
  expect(w.network.commanded('react')).toMatchObject([
    { messageId: 'm0', emoji: '👍', action: 'add' },
    { messageId: 'm1', emoji: '👎', action: 'remove' },
  ])
})

test('a name that the agent took stays when the driver starts anew', async () => {
  const { w, box } = await bound()
  await act(box, { action: 'update-profile', name: 'Ada L.' })
  await box.close()
  await openBox(w)
  await eventually('it is back', () => w.network.questions.some(({ op }) => op === 'attach'))
  expect(w.network.only.names.at(-1)).toBe('Ada L.')
})

test('an act that is not confirmed fails, and is not done twice', async () => {
  const { w, box } = await bound({ sendAckMs: 200 })
  w.network.ignores.add('react')
  const answer = await act(box, { action: 'react', messageId: 'm0', emoji: '👍' })
  expect(answer).toMatchObject({ status: 504, body: { code: 'ACTION_UNCONFIRMED' } })
  expect(w.network.commanded('react')).toHaveLength(1)
})

test('files are sent from where they lie, but none that the agent server keeps for itself', async () => {
  const { w, box } = await bound()
  const folder = scoped(temporaryFolder('agent-files')).path
  await writeFile(join(folder, 'chart.txt'), 'a chart')
  const { binding } = stateFolder(w.config.stateDir)
  await symlink(binding, join(folder, 'innocent.txt'))
  expect((await act(box, { action: 'attach', path: join(folder, 'chart.txt'), replyTo: 'm0' })).status).toBe(200)
  for (const path of [binding, join(folder, 'innocent.txt'), join(folder, 'missing.txt'), '/proc/self/environ'])
    expect(await act(box, { action: 'attach', path }), path).toMatchObject({ status: 422, body: { code: 'ACTION_REFUSED' } })
  const remote = { url: 'https://files.example/1', contentDigest: 'd', secret: 's', salt: 's', nonce: 'n', contentLength: 3 }
  expect((await act(box, { action: 'attach', remote })).status).toBe(200)
  expect((await act(box, { action: 'attach' })).status).toBe(400)
  expect(w.network.commanded('attach', 'remote-attach')).toMatchObject([
    { file: expect.stringMatching(/chart\.txt$/), replyTo: 'm0' },
    { ...remote },
  ])
})

test('typing is passed on', async () => {
  const { w, box } = await bound()
  await act(box, { action: 'typing', on: true })
  await eventually('it is shown', () => w.network.commanded('typing').length === 1)
})

test('without a conversation there is nothing to act in', async () => {
  const w = await world()
  const box = await openBox(w)
  const nowhere = { status: 409, body: { code: 'NOT_ATTACHED' } }
  expect(await act(box, { action: 'send', text: 'anybody?' })).toMatchObject(nowhere)
  expect(await act(box, { action: 'typing', on: true })).toMatchObject(nowhere)
  for (const [path, body] of [['rename', { name: 'x' }], ['lock', { locked: true }], ['explode'], ['reset']] as const)
    expect(await owner(box, path, body), path).toMatchObject(nowhere)
  expect((await box.health()).clean).toBe(true)
})

test('who holds the gateway token names, locks and unlocks the conversation', async () => {
  const { w, box } = await bound()
  expect(await owner(box, 'rename', { name: 'Books' })).toEqual({ status: 200, body: { ok: true } })
  expect(w.network.only.name).toBe('Books')
  await owner(box, 'lock', { locked: true })
  await owner(box, 'lock', { locked: false })
  expect(w.network.commanded('lock', 'unlock').map(({ type }) => type)).toEqual(['lock', 'unlock'])
  expect((await owner(box, 'lock', {})).status).toBe(400)
})

test('who holds the gateway token ends the conversation, now or later', async () => {
  const { w, box } = await bound()
  const scheduledAt = new Date(Date.now() + 3_600_000).toISOString()
  expect((await owner(box, 'explode', { scheduledAt })).status).toBe(200)
  expect(w.network.commanded('explode')).toMatchObject([{ scheduled: scheduledAt }])
  expect(await box.health()).toMatchObject({ binding: 'active', conversationId: w.network.only.id })
  expect((await owner(box, 'explode')).status).toBe(200)
  expect(await box.health()).toMatchObject({ binding: 'refused', conversationId: null })
})

test('a driver that ends cleanly with its conversation has ended it, confirmed or not', async () => {
  const { w, box } = await bound()
  w.network.ignores.add('explode')
  const ending = owner(box, 'explode')
  await eventually('it was asked to', () => w.network.commanded('explode').length === 1)
  w.network.emit(w.network.only, 'exit')
  expect((await ending).status).toBe(200)
})

test('a reset makes the agent forget what was said, and nothing else', async () => {
  const { w, box } = await bound()
  w.network.say(w.network.only, 'my name is Alice')
  await eventually('the answer', () => said(w).length === 1)
  const before = await box.health()
  expect(await owner(box, 'reset')).toEqual({ status: 200, body: { ok: true } })
  w.network.say(w.network.only, 'what is my name?')
  await eventually('the next answer', () => said(w).length === 2)
  expect(
    w.model.asked
      .at(-1)
      ?.messages.slice(1)
      .map(({ content }) => content),
  ).toEqual(['Alice: what is my name?'])
  expect(await box.health()).toMatchObject({ claimId: before.claimId, conversationId: before.conversationId, clean: false })
})

test('the link’s token is another one at each start', async () => {
  const { w, box } = await bound()
  await box.close()
  const again = await openBox(w)
  expect(again.agent.linkToken).not.toBe(box.agent.linkToken)
  expect(again.agent.linkToken.length).toBeGreaterThan(40)
})
