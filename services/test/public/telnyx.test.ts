import { listen, type Listening } from '@convos/kit'
import { eventually } from '@convos/sandbox/testing'
import type { RequestListener } from 'node:http'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { as, createPublicHarness, type Instance, type PublicHarness } from './support.ts'
import { startTelnyx } from './telnyx.ts'

const STRANGER = '+14155550123'

/** The public app and the simulated Telnyx, each on a port of its own. */
let h: PublicHarness
let listening: Listening
let telnyx: Awaited<ReturnType<typeof startTelnyx>>
let handle: RequestListener
const app: RequestListener = (req, res) => handle(req, res)
beforeAll(async () => {
  h = await createPublicHarness(inject('postgresUrl'))
  listening = await listen(app, 0, '127.0.0.1')
  telnyx = await startTelnyx(`http://127.0.0.1:${listening.port}/webhooks/telnyx`)
  handle = h.app({ texts: telnyx.texts, settings: { ...h.deps.settings, telnyxPublicKey: telnyx.publicKey } })
})
afterAll(async () => {
  await listening.close(0)
  await telnyx.close()
  await h.close()
})

const withBoughtNumber = async () => {
  const instance = await h.addInstance()
  return { instance, number: await h.addNumber(instance, await telnyx.buy()) }
}
const texts = async (instance: Instance) => (await h.messages(instance)).map(({ text }) => text)
const goesOut = (instance: Instance, to: string, text: string) =>
  as(app, instance).post(`/tools/${instance.id}/sms/messages`).send({ to, text })

test('a text reaches the instance that has the number, and no other', async () => {
  const [a, b] = [await withBoughtNumber(), await withBoughtNumber()]
  await telnyx.comesIn({ from: STRANGER, to: a.number, text: 'Hello 👋' })
  expect(await eventually('it came', async () => (await h.messages(a.instance))[0])).toMatchObject({
    direction: 'inbound',
    from: STRANGER,
    to: a.number,
    text: 'Hello 👋',
    state: 'received',
  })
  expect(await h.messages(b.instance)).toEqual([])
})

test.each(['duplicate', 'reorder'] as const)('webhooks that %s lose nothing and add nothing', async (how) => {
  const { instance, number } = await withBoughtNumber()
  telnyx.faults.add({
    provider: 'telnyx',
    match: { operation: 'message.received' },
    times: 1,
    effect: { kind: 'webhook', how },
  })
  for (const text of ['first', 'second']) await telnyx.comesIn({ from: STRANGER, to: number, text })
  await eventually('both came', async () => (await texts(instance)).length >= 2)
  expect((await texts(instance)).toSorted()).toEqual(['first', 'second'])
})

test('what was not taken is tried again', async () => {
  const { instance, number } = await withBoughtNumber()
  const working = handle
  const refused = Promise.withResolvers<void>()
  handle = (_req, res) => {
    res.writeHead(500).end()
    refused.resolve()
  }
  await telnyx.comesIn({ from: STRANGER, to: number, text: 'patience' })
  await refused.promise
  handle = working
  await eventually('it came', async () => {
    telnyx.later()
    return (await texts(instance)).includes('patience')
  })
})

test('one instance texts another; both read what is theirs', async () => {
  const [a, b] = [await withBoughtNumber(), await withBoughtNumber()]
  await goesOut(a.instance, b.number, 'from a to b').expect(201)
  await eventually('it arrived', async () => (await texts(b.instance)).length > 0)
  expect((await h.messages(a.instance)).map(({ direction, state }) => [direction, state])).toEqual([['outbound', 'sent']])
  expect((await h.messages(b.instance)).map(({ direction, from }) => [direction, from])).toEqual([['inbound', a.number]])
})

test('a text whose answer was lost is known to have gone once Telnyx reports it', async () => {
  const { instance } = await withBoughtNumber()
  telnyx.faults.add({
    provider: 'telnyx',
    match: { method: 'POST', path: '/messages' },
    times: 1,
    effect: { kind: 'drop-after' },
  })
  await goesOut(instance, STRANGER, 'lost').expect(201)
  await eventually('it is known', async () => (await h.messages(instance))[0]?.state === 'sent')
  expect(await h.messages(instance)).toHaveLength(1)
})

test('a text that Telnyx refuses has failed', async () => {
  const { instance } = await h.withNumber()
  expect((await goesOut(instance, STRANGER, 'from a number that is not ours').expect(422)).body).toMatchObject({
    code: 'SMS_REJECTED',
  })
  expect(await h.messages(instance)).toMatchObject([{ state: 'failed' }])
})
