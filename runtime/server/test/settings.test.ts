import { readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { stateFolder } from '../src/state/folder.ts'
import { type Box, openBox, world, type World } from './support/box.ts'

const profile = (box: Box, body: object) => box.call('PATCH', '/pool/profile', { body })
const systemPrompts = (w: World) => w.model.asked.map(({ messages }) => messages[0]?.content ?? '')

test('the overlay is merged, kept, and seen by the engine at its next turn; null takes something away', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision({ env: { FIRST: '1', OPENROUTER_API_KEY: 'from-the-claim' } })
  expect(await box.call('POST', '/pool/env', { body: { env: { SECOND: '2', FIRST: 'one' } } })).toMatchObject({
    body: { ok: true },
  })
  await box.call('POST', '/pool/env', { body: { env: { SECOND: null, NEVER_THERE: null, THIRD: '3' } } })
  await box.close()

  const again = await openBox(w)
  expect(again.agent.overlay.vars).toEqual({ FIRST: 'one', THIRD: '3', OPENROUTER_API_KEY: 'from-the-claim' })
  w.network.say(w.network.only, 'hello')
  await eventually('it answered', () => w.network.only.said.length > 0)
  expect(w.model.keys).toEqual(['Bearer from-the-claim'])
})

test('variables that were laid over before a claim came are not seen by it', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.call('POST', '/pool/env', { body: { env: { LEFT_OVER: 'x' } } })
  expect(await box.health()).toMatchObject({ clean: false, binding: 'none' })
  await box.provision({ env: { MINE: 'y' } })
  expect(box.agent.overlay.vars).toEqual({ MINE: 'y' })
})

test('names that are no variables are refused as a whole', async () => {
  const box = await openBox(await world())
  expect(await box.call('POST', '/pool/env', { body: { env: { 'bad-name': 'x', GOOD: 'y' } } })).toMatchObject({ status: 400 })
  expect(box.agent.overlay.vars).toEqual({})
})

test('a profile is applied when it is newer, shown to the others, and kept', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  const { only } = w.network
  expect(await profile(box, { revision: 2, agentName: 'Grace', instructions: 'Be brief.', model: 'acme/large' })).toMatchObject({
    status: 200,
  })
  expect(await profile(box, { revision: 2, agentName: 'Late' })).toMatchObject({ status: 200 })
  expect(await profile(box, { revision: 1, instructions: 'Be long.' })).toMatchObject({ status: 200 })
  await eventually('the others see the name', () => only.names.at(-1) === 'Grace' && only.name === 'Grace')

  await box.close()
  await openBox(w)
  await eventually('it is attached again', () => w.network.questions.some(({ op }) => op === 'attach'))
  expect(only.names.at(-1)).toBe('Grace')
  w.network.say(only, 'hello')
  await eventually('it answered', () => only.said.length > 0)
  expect(systemPrompts(w)[0]).toContain('Your name is Grace.\n\nBe brief.')
  expect(w.model.asked[0]?.model).toBe('acme/large')
})

test('a title that somebody else chose survives a change of name', async () => {
  const w = await world()
  const box = await openBox(w)
  const conversation = w.network.foreign()
  await box.provision({ joinUrl: conversation.inviteUrl })
  await eventually('it is attached', () => conversation.names.length > 0)
  await profile(box, { revision: 1, agentName: 'Grace' })
  await eventually('the name is shown', () => conversation.names.at(-1) === 'Grace')
  expect(conversation.name).toBe('Friends')
})

test('a name that changes while the agent takes its seat is shown as soon as it sits', async () => {
  const w = await world()
  const box = await openBox(w)
  const conversation = w.network.foreign()
  const gate = w.network.gate('after', 'attach')
  await box.provision({ joinUrl: conversation.inviteUrl })
  await gate.reached
  await profile(box, { revision: 1, agentName: 'Grace' })
  gate.open()
  await eventually('the name is shown', () => conversation.names.at(-1) === 'Grace')
  expect(conversation.names).toEqual(['Ada', 'Grace'])
})

test('a box without a claim has no profile', async () => {
  const box = await openBox(await world())
  expect(await profile(box, { revision: 1, agentName: 'Grace' })).toMatchObject({ status: 409, body: { code: 'NOT_BOUND' } })
})

test('reset: first boot again, on the disk and in the next process too', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision({ env: { MINE: 'y' } })
  w.network.say(w.network.only, 'hello')
  await eventually('it answered', () => w.network.only.said.length > 0)
  expect(readdirSync(w.config.stateDir), 'the picture of its invite too').toContain('convos-invite-conv-1.png')
  expect(await box.call('POST', '/pool/reset')).toEqual({ status: 200, body: { ok: true, clean: true } })
  expect(await box.health()).toMatchObject({ ready: true, clean: true, binding: 'none', claimId: null, lastActivityAt: null })
  await box.close()
  const again = await openBox(w)
  expect(await again.health()).toMatchObject({ clean: true, binding: 'none' })
  // and it serves the next claim with nothing of the last one
  expect(await again.provision({ claimId: 'claim-2', agentName: 'Bo' })).toMatchObject({
    status: 200,
    body: { conversationId: 'conv-2' },
  })
  expect(again.agent.overlay.vars).toEqual({})
})

test('reset, asked for twice at once, is over for both before the next claim is served', async () => {
  const w = await world()
  const { agent, provision } = await openBox(w)
  await provision()
  const slow = Promise.withResolvers<void>()
  const first = agent.binder.reset(() => Promise.resolve())
  const second = agent.binder.reset(() => slow.promise)
  await first
  expect(await provision({ claimId: 'claim-2' })).toMatchObject({ status: 200 })
  slow.resolve()
  await second
  expect(agent.health()).toMatchObject({ binding: 'active', claimId: 'claim-2' })
})

test('a box on which a write was cut off is not clean, until it is reset', async () => {
  const w = await world()
  const { root, overlay } = stateFolder(w.config.stateDir)
  await mkdir(root)
  await writeFile(`${overlay}.new`, '{"KEY":"so')
  const box = await openBox(w)
  expect(await box.health()).toMatchObject({ binding: 'none', clean: false })
  expect(await box.call('POST', '/pool/reset')).toMatchObject({ body: { clean: true } })
})

test('without a model key the agent is not ready, with one from the overlay it is', async () => {
  const w = await world({ OPENROUTER_API_KEY: '' })
  const box = await openBox(w)
  expect(await box.call('GET', '/pool/health', { token: null })).toMatchObject({
    status: 503,
    body: { ready: false, clean: true },
  })
  await box.call('POST', '/pool/env', { body: { env: { OPENROUTER_API_KEY: 'k' } } })
  expect(await box.health()).toMatchObject({ ready: true })
})

test('the binding on the disk is whole and private to the agent server', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  const record: unknown = JSON.parse(await readFile(stateFolder(w.config.stateDir).binding, 'utf8'))
  expect(record).toMatchObject({ claimId: 'claim-1', state: 'active', mode: 'create', conversationId: w.network.only.id })
})
