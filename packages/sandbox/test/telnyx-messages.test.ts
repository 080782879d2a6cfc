import Telnyx from 'telnyx'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually, scoped } from '../src/testing/index.ts'
import { startTelnyx, type TelnyxApi } from './support/telnyx-api.ts'
import { receiveWebhooks, type WebhookReceiver } from './support/webhook-receiver.ts'

const STRANGER = '+14155550123'

let telnyx: TelnyxApi
let receiver: WebhookReceiver
let ours: string
beforeEach(async () => {
  telnyx = await startTelnyx()
  receiver = await receiveWebhooks((path) => (path === '/broken' ? 503 : 200))
})
afterEach(async () => {
  await telnyx[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

/** A number that texts, with its webhooks at `path`. */
async function connect(path = '/hook', more: Partial<Telnyx.MessagingProfileCreateParams> = {}) {
  const profile = await telnyx.newProfile({ webhook_url: receiver.url + path, ...more })
  ours = (await telnyx.buy({ messaging_profile_id: profile.id })).phoneNumber
  return profile
}
const comesIn = (text: string, to = ours) => telnyx.control('POST', '/messages', { from: STRANGER, to, text })
const goesOut = (text: string, to = STRANGER) => telnyx.sdk.messages.send({ from: ours, to, text })
const fault = (how: 'lose' | 'duplicate' | 'reorder', operation = 'message.received') =>
  telnyx.faults.add({ provider: 'telnyx', match: { operation }, times: 1, effect: { kind: 'webhook', how } })
const told = async (count: number) =>
  (await receiver.first(count)).map(({ body }) => {
    const { data } = JSON.parse(body) as { data: { id: string; event_type: string; payload: { text: string } } }
    return { id: data.id, event: data.event_type, text: data.payload.text }
  })
const texts = async (count: number) => (await told(count)).map(({ text }) => text)

describe('a text that comes in', () => {
  test('is reported by a webhook whose signature the SDK accepts', async () => {
    const profile = await connect()
    expect((await comesIn('Hello 👋')).status).toBe(201)
    const [webhook] = await receiver.first(1)
    if (!webhook) throw new Error('no webhook')
    const { publicKey } = await telnyx.account()
    const event = await telnyx.sdk.webhooks.unwrap(webhook.body, { headers: webhook.headers, key: publicKey })
    expect(event).toMatchObject({
      data: {
        record_type: 'event',
        event_type: 'message.received',
        payload: {
          record_type: 'message',
          direction: 'inbound',
          text: 'Hello 👋',
          encoding: 'UCS-2',
          messaging_profile_id: profile.id,
          from: { phone_number: STRANGER },
          to: [{ phone_number: ours }],
        },
      },
      meta: { attempt: 1, delivered_to: `${receiver.url}/hook` },
    })
    const forged = webhook.body.replace('Hello', 'Hallo')
    await expect(telnyx.sdk.webhooks.unwrap(forged, { headers: webhook.headers, key: publicKey })).rejects.toThrow(
      Telnyx.TelnyxError,
    )
  })

  test('needs a number of ours with a messaging profile', async () => {
    const { phoneNumber } = await telnyx.buy()
    expect([(await comesIn('hi', phoneNumber)).status, (await comesIn('hi', STRANGER)).status]).toEqual([404, 404])
  })

  test('is reported again when nobody took it, then to the failover', async () => {
    await connect('/broken', { webhook_failover_url: `${receiver.url}/failover` })
    await comesIn('hi')
    await receiver.first(1)
    await eventually('the second attempt', () => {
      telnyx.clock.advance(5_000)
      return receiver.received.length > 1
    })
    const attempts = receiver.received.map(({ path, body }) => [path, (JSON.parse(body) as { meta: object }).meta])
    expect(attempts).toEqual([
      ['/broken', { attempt: 1, delivered_to: `${receiver.url}/broken` }],
      ['/failover', { attempt: 2, delivered_to: `${receiver.url}/failover` }],
    ])
  })
})

describe('a text that goes out', () => {
  test('is queued, then reported as sent and delivered', async () => {
    await connect()
    const { data } = await goesOut('x'.repeat(161))
    expect(data).toMatchObject({
      direction: 'outbound',
      type: 'SMS',
      encoding: 'GSM-7',
      parts: 2,
      to: [{ phone_number: STRANGER, status: 'queued' }],
      sent_at: null,
    })
    expect((await told(2)).map(({ event }) => event)).toEqual(['message.sent', 'message.finalized'])
    const { data: later } = await telnyx.sdk.messages.retrieve(data?.id ?? '')
    expect(later).toMatchObject({ to: [{ status: 'delivered' }], completed_at: expect.any(String) })
  })

  test('to another number of ours comes in there', async () => {
    const profile = await connect()
    const { phoneNumber } = await telnyx.buy({ messaging_profile_id: profile.id })
    await goesOut('from one to the other', phoneNumber)
    expect((await told(3)).map(({ event }) => event)).toContain('message.received')
  })

  test('needs words and a sender that is ours', async () => {
    await connect()
    const refused = (request: PromiseLike<unknown>) => expect(request).rejects
    await refused(goesOut('')).toMatchObject({ status: 400, error: { errors: [{ code: '40316' }] } })
    const foreign = telnyx.sdk.messages.send({ from: STRANGER, to: ours, text: 'hi' })
    await refused(foreign).toMatchObject({ status: 400, error: { errors: [{ code: '40305' }] } })
    const { phoneNumber } = await telnyx.buy()
    const bare = telnyx.sdk.messages.send({ from: phoneNumber, to: STRANGER, text: 'hi' })
    await refused(bare).toMatchObject({ status: 400, error: { errors: [{ code: '40305' }] } })
  })
})

describe('webhook faults', () => {
  test('lose one, and only one of its kind', async () => {
    await connect()
    fault('lose')
    await comesIn('lost')
    await goesOut('out')
    await told(2)
    await comesIn('kept')
    expect(await texts(3)).toEqual(['out', 'out', 'kept'])
  })

  test('send one twice, the same event', async () => {
    await connect()
    fault('duplicate')
    await comesIn('again')
    const [first, second] = await told(2)
    expect(second).toEqual(first)
    await comesIn('once')
    expect((await texts(3)).at(-1)).toBe('once')
  })

  test('let one be overtaken by the next', async () => {
    await connect()
    fault('reorder')
    await comesIn('first')
    await comesIn('second')
    expect(await texts(2)).toEqual(['second', 'first'])
  })

  test('do not hold one for ever when no other comes', async () => {
    await connect()
    fault('reorder')
    await comesIn('alone')
    telnyx.clock.advance(5_000)
    expect(await texts(1)).toEqual(['alone'])
  })

  test('leave requests alone, and exist at no provider that sends no webhooks', async () => {
    const rule = telnyx.faults.add({ provider: 'telnyx', effect: { kind: 'webhook', how: 'lose' } })
    await telnyx.search()
    expect(rule.hits).toBe(0)
    expect(() => telnyx.faults.add({ provider: 'bankr', effect: { kind: 'webhook', how: 'lose' } })).toThrow('no such effect')
  })
})

test('a reset forgets what was still to be reported', async () => {
  await connect('/broken')
  fault('reorder')
  await comesIn('held')
  await telnyx.simulator.reset()
  telnyx.clock.advance(60_000)
  const other = scoped(await receiveWebhooks())
  const profile = await telnyx.newProfile({ webhook_url: other.url })
  ours = (await telnyx.buy({ messaging_profile_id: profile.id })).phoneNumber
  await comesIn('later')
  await other.first(1)
  expect(receiver.received).toEqual([])
})
