import { eventually } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { place } from './place.ts'

test('a claim on the real gateway: greeted, answered by its instructions', async () => {
  const p = await place()
  const box = await p.open()
  expect(await box.health()).toMatchObject({ ready: true, clean: true, fault: null })
  const { body } = await box.provision()
  const id = String(body['conversationId'])
  const alice = await p.joins(body['inviteUrl'], 'Alice')
  await eventually('the greeting', async () => (await p.texts(id)).length === 1)
  await p.say(id, alice, 'hello')
  await eventually('the answer', async () => (await p.texts(id)).length === 3, { timeoutMs: 30_000 }).catch((err) => { throw new Error(box.output(), { cause: err }) })
  console.log(await p.texts(id), await box.health())
  await box.terminate()
})
