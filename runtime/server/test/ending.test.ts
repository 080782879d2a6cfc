import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { openBox, world, type World } from './support/box.ts'

const explode = (w: World, more: object = {}) =>
  w.network.emit(w.network.only, { event: 'explode_notice', senderInboxId: 'inbox-alice', ...more })
const ENDED = { ready: true, clean: false, binding: 'refused', claimId: 'claim-1', conversationId: null, inviteUrl: null }
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

test.each([{}, { expiresAt: inMs(-1_000) }, { expiresAt: 'whenever' }])(
  'the conversation is ended for all (%j): nothing more is said, health tells it, and the next process knows',
  async (when) => {
    const w = await world()
    const box = await openBox(w)
    await box.provision()
    const release = w.model.hold()
    w.network.say(w.network.only, 'hello')
    await eventually('the model is asked', () => w.model.asked.length === 1)
    explode(w, when)
    await eventually('it is known', async () => (await box.health()).conversationId === null)
    release()
    expect(await box.health()).toMatchObject(ENDED)
    expect(await box.provision()).toMatchObject({ status: 409, body: { code: 'ENDED' } })
    expect(await box.call('POST', '/convos/rename', { token: 'gateway', body: { name: 'x' } })).toMatchObject({ status: 409 })

    await box.close()
    const again = await openBox(w)
    expect(await again.health()).toMatchObject(ENDED)
    expect(w.network.questions.filter(({ op }) => op === 'attach')).toEqual([])
    expect(w.network.only.said).toEqual([])
  },
)

test('an end that is announced comes at its time, not before', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  explode(w, { expiresAt: inMs(3_000) })
  w.network.say(w.network.only, 'hello')
  await eventually('it still answers', () => w.network.only.said.length === 1)
  await eventually('the end', async () => (await box.health()).conversationId === null)
  expect(await box.health()).toMatchObject(ENDED)
})

test('an end that is announced comes though the process was started anew', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  explode(w, { expiresAt: inMs(1_500) })
  w.network.say(w.network.only, 'hello')
  await eventually('it was heard', () => w.network.only.said.length === 1)
  await box.close()
  w.network.replays = false
  const again = await openBox(w)
  await eventually('the end', async () => (await again.health()).conversationId === null)
})

test('a box whose conversation has ended can be reset', async () => {
  const w = await world()
  const box = await openBox(w)
  await box.provision()
  explode(w)
  await eventually('it is known', async () => (await box.health()).conversationId === null)
  expect(await box.call('POST', '/pool/reset')).toEqual({ status: 200, body: { ok: true, clean: true } })
})
