import { randomUUID } from 'node:crypto'
import type { Database } from '@convos/kit'
import fc from 'fast-check'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createPublicApp } from '../../src/public/app.ts'
import { as, createPublicHarness, type Instance, newNumber, type PublicHarness } from './support.ts'
import { eventOf, signer } from './telnyx.ts'

const STRANGER = '+14155550123'
const TELNYX = signer()
const seconds = (off: number) => String(Math.floor(Date.now() / 1000) + off)
const asJson = (value: unknown) => JSON.stringify(value)

let h: PublicHarness
beforeAll(async () => {
  h = await createPublicHarness(inject('postgresUrl'), { telnyxPublicKey: TELNYX.publicKey })
})
afterAll(() => h.close())

const deliver = (body: string, headers: Record<string, string> = TELNYX.headers(body), app = h.app()) =>
  request(app).post('/webhooks/telnyx').set(headers).send(body)
const report = (type: string, p: Parameters<typeof eventOf>[1]) => deliver(JSON.stringify(eventOf(type, p)))
const comesIn = (p: { to: string; text: string; id?: string }) =>
  report('message.received', { id: randomUUID(), from: STRANGER, ...p })

const texts = async (instance: Instance) => (await h.messages(instance)).map(({ text }) => text)

/** Where nothing can be stored. */
const withoutDatabase = () => {
  const asked: string[] = []
  const query = ({ name }: { name: string }) => Promise.reject(new Error(`the database is away: ${asked.push(name)}`))
  return { asked, app: createPublicApp({ ...h.ctx, db: { query } as unknown as Database }, h.deps) }
}
const hello = () =>
  JSON.stringify(eventOf('message.received', { id: randomUUID(), from: STRANGER, to: newNumber(), text: 'hello' }))

describe('an event', () => {
  test('is believed for the bytes that came, however they are laid out', async () => {
    const { instance, number } = await h.withNumber()
    const event = eventOf('message.received', { id: randomUUID(), from: STRANGER, to: number, text: 'laid out' })
    await deliver(JSON.stringify(event, null, 3).replace('laid', '\\u006caid')).expect(200, { ok: true })
    expect(await texts(instance)).toEqual(['laid out'])
  })

  test.each<[string, (body: string) => { body?: string; headers: Record<string, string> }]>([
    ['has other words', (body) => ({ body: body.replace('hello', 'hallo'), headers: TELNYX.headers(body) })],
    ['is signed by somebody else', (body) => ({ headers: signer().headers(body) })],
    ['is dated otherwise', (body) => ({ headers: { ...TELNYX.headers(body), 'telnyx-timestamp': seconds(-1) } })],
    ['comes again 301 s later', (body) => ({ headers: TELNYX.headers(body, Date.now() - 301_000) })],
    ['is of the future', (body) => ({ headers: TELNYX.headers(body, Date.now() + 302_000) })],
    ['bears no signature', (body) => ({ headers: { ...TELNYX.headers(body), 'telnyx-signature-ed25519': '' } })],
    ['bears something else', (body) => ({ headers: { ...TELNYX.headers(body), 'telnyx-signature-ed25519': '#' } })],
    ['bears no date', (body) => ({ headers: { ...TELNYX.headers(body), 'telnyx-timestamp': 'NaN' } })],
    ['bears nothing', () => ({ headers: { 'content-type': 'application/json' } })],
  ])('that %s is refused, and the database is not asked', async (_name, forge) => {
    const genuine = hello()
    const { body = genuine, headers } = forge(genuine)
    const { asked, app } = withoutDatabase()
    expect((await deliver(body, headers, app).expect(401)).body).toMatchObject({ code: 'BAD_SIGNATURE' })
    expect(asked).toEqual([])
  })

  test('is taken until it is 300 s old, and by nobody who has no key', async () => {
    const body = hello()
    await deliver(body, TELNYX.headers(body, Date.now() - 298_000)).expect(200)
    const app = h.app({ settings: { ...h.deps.settings, telnyxPublicKey: null } })
    await deliver(body, TELNYX.headers(body), app).expect(404)
  })

  test('that is too large is refused, signed or not', async () => {
    const body = JSON.stringify({ data: 'x'.repeat(65_536) })
    for (const headers of [TELNYX.headers(body), { 'content-type': 'application/json' }])
      expect((await deliver(body, headers).expect(413)).body).toMatchObject({
        code: 'BODY_TOO_LARGE',
        detail: expect.stringContaining('64 KiB'),
      })
  })

  test('that could not be stored is to come again', async () => {
    const body = hello()
    const { asked, app } = withoutDatabase()
    await deliver(body, TELNYX.headers(body), app).expect(500)
    expect(asked).toEqual(['insert_inbound'])
  })

  test.each([
    ['no JSON', 'hello', 400],
    ['nothing at all', '', 400],
    ['no event', '{}', 400],
    [
      'a text without a sender',
      JSON.stringify({ data: { event_type: 'message.received', payload: { id: '1', to: [], text: '' } } }),
      400,
    ],
    [
      'an id that no database holds',
      JSON.stringify(eventOf('message.received', { id: 'a\0', from: '1', to: '2', text: '' })),
      400,
    ],
    ['of another kind', JSON.stringify({ data: { event_type: 'number_order.complete', payload: null } }), 200],
  ])('that is %s does not come again', async (_name, body, status) => {
    expect((await deliver(body)).status).toBe(status)
  })

  test('of whatever shape never fails on our side', async () => {
    const app = h.app()
    const payload = fc.record(
      {
        id: fc.string(),
        from: fc.record({ phone_number: fc.anything() }),
        to: fc.array(fc.record({ phone_number: fc.string() })),
        text: fc.anything(),
      },
      { requiredKeys: [] },
    )
    const type = fc.constantFrom('message.received', 'message.sent', 'message.finalized', 'other')
    const event = fc.oneof(
      fc.json(),
      fc.record({ data: fc.record({ event_type: type, payload: fc.oneof(payload, fc.anything()) }) }).map(asJson),
    )
    await fc.assert(
      fc.asyncProperty(event, async (body) => {
        expect([200, 400]).toContain((await deliver(body, TELNYX.headers(body), app)).status)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a text that comes in', () => {
  test('is kept once, however often and in whatever order it is told', async () => {
    const { instance, number } = await h.withNumber()
    const [first, second] = [randomUUID(), randomUUID()]
    const reports = [second, first, second, first].map((id) => comesIn({ id, to: number, text: id }).expect(200))
    await Promise.all(reports)
    expect((await texts(instance)).toSorted()).toEqual([first, second].toSorted())
  })

  test('for nobody is taken, and said without its words', async () => {
    const { instance, number } = await h.withNumber()
    await h.rows(`update instance_services set state = 'destroying' where instance_id = $1`, [instance.id])
    h.logged.length = 0
    for (const to of [number, newNumber()]) await comesIn({ to, text: 'a canary' }).expect(200, { ok: true })
    expect(h.logged.filter((line) => line.includes('no instance has'))).toHaveLength(2)
    expect(h.logged.join()).not.toContain('a canary')
    expect(await texts(instance)).toEqual([])
  })

  test('to whoever had the number before is not for who has it now, however late it is told', async () => {
    const { instance, number } = await h.withNumber()
    await h.rows(`update instance_services set last_call_ended_at = clock_now() where instance_id = $1`, [instance.id])
    const { data } = eventOf('message.received', { id: randomUUID(), from: STRANGER, to: number, text: '' })
    const cameIn = (text: string, received_at: string) => {
      const body = JSON.stringify({ data: { ...data, payload: { ...data.payload, id: randomUUID(), text, received_at } } })
      return deliver(body).expect(200, { ok: true })
    }
    await cameIn('before', new Date(Date.now() - 240_000).toISOString())
    await cameIn('after', new Date(Date.now() + 1_000).toISOString())
    await cameIn('whenever', 'soon')
    expect(await texts(instance)).toEqual(['after', 'whenever'])
  })

  test('may have no words, and loses what no database holds', async () => {
    const { instance, number } = await h.withNumber()
    const { data } = eventOf('message.received', { id: randomUUID(), from: STRANGER, to: number, text: 'a\0b' })
    await deliver(JSON.stringify({ data })).expect(200)
    await deliver(JSON.stringify({ data: { ...data, payload: { ...data.payload, id: randomUUID(), text: null } } })).expect(200)
    expect(await texts(instance)).toEqual(['ab', ''])
  })

  test('never gets in before one that was read already', async () => {
    const { instance, number } = await h.withNumber()
    const tx = await h.db.connect()
    await tx.query('begin')
    await tx.query('select from instance_services where instance_id = $1 for update', [instance.id])
    const late = comesIn({ to: number, text: 'late' }).then(({ status }) => status)
    await h.waitForLock('insert into sms_messages', 1)
    const early = `insert into sms_messages (instance_id, direction, from_number, to_number, body, state) values ($1, 'inbound', $2, $3, 'early', 'received')`
    await tx.query(early, [instance.id, STRANGER, number])
    await tx.query('commit')
    tx.release()
    expect(await late).toBe(200)
    expect(await texts(instance)).toEqual(['early', 'late'])
  })
})

describe('what becomes of a text that went out', () => {
  /** A text as it stands in the database. */
  async function outbound(p: { state: string; providerId?: string; text?: string }, from = h.withNumber()) {
    const { instance, number } = await from
    const { state, providerId = null, text = 'out' } = p
    await h.rows(
      `insert into sms_messages (instance_id, provider_id, direction, from_number, to_number, body, state) values ($1, $2, 'outbound', $3, $4, $5, $6)`,
      [instance.id, providerId, number, STRANGER, text, state],
    )
    const told = (type: 'sent' | 'finalized', status: string, id = providerId ?? randomUUID()) =>
      report(`message.${type}`, { id, from: number, to: STRANGER, text, status }).expect(200)
    return { instance, number, told, states: async () => (await h.messages(instance)).map((message) => message.state) }
  }

  test.each([
    [
      'sent',
      [
        ['sent', 'sent'],
        ['finalized', 'delivered'],
      ],
      'sent',
    ],
    [
      'sent',
      [
        ['finalized', 'delivery_failed'],
        ['sent', 'sent'],
      ],
      'failed',
    ],
    ['unknown', [['finalized', 'sending_failed']], 'failed'],
  ] as const)('%s, then %j: %s', async (state, events, becomes) => {
    const { told, states } = await outbound({ state, providerId: randomUUID() })
    for (const [type, status] of events) await told(type, status)
    expect(await states()).toEqual([becomes])
  })

  test.each(['sending', 'unknown'])('is learnt from its event while the answer is not there (%s)', async (state) => {
    const id = randomUUID()
    const { told, states } = await outbound({ state })
    await told('sent', 'sent', id)
    expect(await states()).toEqual(['sent'])
    await told('finalized', 'delivery_failed', id)
    expect(await states()).toEqual(['failed'])
  })

  test('is what its event said, when that was quicker than the answer', async () => {
    const { instance, number } = await h.withNumber()
    const id = randomUUID()
    const send = async () => {
      await report('message.finalized', { id, from: number, to: STRANGER, text: 'out', status: 'delivery_failed' }).expect(200)
      return { providerId: id, state: 'queued' }
    }
    const sent = as(h.app({ texts: { send } }), instance).post(`/tools/${instance.id}/sms/messages`)
    expect((await sent.send({ to: STRANGER, text: 'out' }).expect(201)).body).toMatchObject({ state: 'failed' })
    expect(await h.messages(instance)).toMatchObject([{ state: 'failed' }])
  })

  test('is not guessed where there are two alike, nor taken from another instance', async () => {
    const from = h.withNumber()
    const { told, states } = await outbound({ state: 'unknown' }, from)
    await outbound({ state: 'unknown' }, from)
    await told('sent', 'sent')
    expect(await states()).toEqual(['unknown', 'unknown'])
    const other = await outbound({ state: 'unknown', text: 'another' })
    await report('message.sent', { id: randomUUID(), from: (await from).number, to: STRANGER, text: 'another' }).expect(200)
    expect(await other.states()).toEqual(['unknown'])
  })
})
