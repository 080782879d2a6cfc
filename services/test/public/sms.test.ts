import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ProviderError, type ProviderErrorKind } from '../../src/infra/errors.ts'
import type { TextSender } from '../../src/public/context.ts'
import { forgetOld } from '../../src/public/retention.ts'
import { as, createPublicHarness, type Instance, newNumber, type PublicHarness } from './support.ts'

const CAP = 3
const FRIEND = '+14155550123'

let h: PublicHarness
beforeAll(async () => {
  h = await createPublicHarness(inject('postgresUrl'), { smsPerDay: CAP })
})
afterAll(() => h.close())

type Text = Parameters<TextSender['send']>[0]

/** A Telnyx that takes every text, unless `answer` says otherwise. */
function telnyx(answer: (text: Text) => Promise<{ providerId: string; state: string }> = () => taken()) {
  const sent: Text[] = []
  const send = (text: Text) => {
    sent.push(text)
    return answer(text)
  }
  return { sent, app: h.app({ texts: { send } }) }
}
const taken = (state = 'queued') => Promise.resolve({ providerId: randomUUID(), state })
const refused =
  (kind: ProviderErrorKind, uncertain = false, retryAfterMs: number | null = null) =>
  () =>
    Promise.reject(new ProviderError('no', { provider: 'telnyx', operation: 'send', kind, uncertain, retryAfterMs }))

const path = ({ id }: Instance) => `/tools/${id}/sms/messages`
const send = (app: ReturnType<typeof telnyx>['app'], instance: Instance, over: object = {}, key?: string) => {
  const sent = as(app, instance).post(path(instance))
  return (key === undefined ? sent : sent.set('idempotency-key', key)).send({ to: FRIEND, text: 'hello', ...over })
}
const states = async (instance: Instance) => (await h.messages(instance)).map(({ state }) => state)

describe('a text', () => {
  test('goes from the number of the instance, and can be read', async () => {
    const { instance, number } = await h.withNumber()
    const { sent, app } = telnyx()
    const { body } = await send(app, instance).expect(201)
    expect(body).toEqual({
      id: expect.any(String),
      direction: 'outbound',
      from: number,
      to: FRIEND,
      text: 'hello',
      state: 'sent',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    expect(sent).toEqual([{ from: number, to: FRIEND, text: 'hello' }])
    expect(await h.messages(instance)).toEqual([body])
  })

  test('is written down before it is sent', async () => {
    const { instance } = await h.withNumber()
    let before: string[] = []
    const { app } = telnyx(async () => {
      before = await states(instance)
      return taken()
    })
    await send(app, instance).expect(201)
    expect([before, await states(instance)]).toEqual([['sending'], ['sent']])
  })

  test.each([
    ['no number', { to: 'mum' }, 400, 'INVALID_REQUEST'],
    ['no words', { text: '' }, 400, 'INVALID_REQUEST'],
    ['too many words', { text: 'x'.repeat(1601) }, 400, 'INVALID_REQUEST'],
    ['what no database holds', { text: 'a\0b' }, 400, 'INVALID_REQUEST'],
    ['another sender', { from: FRIEND }, 400, 'INVALID_REQUEST'],
    ['more than the listener takes', { text: 'x'.repeat(70_000) }, 413, 'BODY_TOO_LARGE'],
  ])('with %s is refused before anything is written', async (_name, over, status, code) => {
    const { instance } = await h.withNumber()
    const { sent, app } = telnyx()
    expect((await send(app, instance, over).expect(status)).body).toMatchObject({ code })
    expect([sent, await h.messages(instance)]).toEqual([[], []])
  })

  test.each([
    ['has none', null],
    ['has not got yet', 'creating'],
    ['has given back', 'destroyed'],
    ['did not get from us', 'user_provided'],
  ])('needs a number: not one that the instance %s', async (_name, state) => {
    const instance = await h.addInstance()
    if (state) await h.addNumber(instance, newNumber(), state)
    const { sent, app } = telnyx()
    expect((await send(app, instance).expect(409)).body).toMatchObject({ code: 'NO_NUMBER' })
    expect(sent).toEqual([])
  })

  test('cannot be sent where Telnyx is not configured', async () => {
    const { instance } = await h.withNumber()
    expect((await send(h.app(), instance).expect(409)).body).toMatchObject({ code: 'TOOL_UNAVAILABLE' })
  })
})

describe('when Telnyx', () => {
  test.each(['permanent', 'not_found', 'conflict'] as const)('refuses it (%s), it has failed', async (kind) => {
    const { instance } = await h.withNumber()
    expect((await send(telnyx(refused(kind)).app, instance).expect(422)).body).toMatchObject({ code: 'SMS_REJECTED' })
    expect(await states(instance)).toEqual(['failed'])
    expect((await h.events(instance)).map(({ detail }) => detail)).toEqual([
      { code: 'SMS_REJECTED', tool: 'sms', operation: 'sendSms' },
    ])
  })

  test('does not answer, nobody says that it went or did not, and it is never sent again', async () => {
    const { instance } = await h.withNumber()
    const { sent, app } = telnyx(refused('transient', true))
    const { body } = await send(app, instance, {}, 'k').expect(201)
    expect(body).toMatchObject({ state: 'unknown' })
    expect((await send(app, instance, {}, 'k').expect(200)).body).toEqual(body)
    expect(sent).toHaveLength(1)
  })

  test.each([
    ['is not to be asked now', 'rate_limited', 7_000, '7'],
    ['does not know us', 'auth', null, '60'],
  ] as const)('%s, nothing was sent or counted, and the same may be asked again', async (_name, kind, waitMs, seconds) => {
    const { instance } = await h.withNumber()
    const res = await send(telnyx(refused(kind, false, waitMs)).app, instance, {}, 'k').expect(503)
    expect([res.body.code, res.headers['retry-after']]).toEqual(['SMS_UNAVAILABLE', seconds])
    expect(await h.messages(instance)).toEqual([])
    await send(telnyx().app, instance, {}, 'k').expect(201)
  })

  test('takes it and gives it up at once, it has failed', async () => {
    const { instance } = await h.withNumber()
    expect((await send(telnyx(() => taken('sending_failed')).app, instance).expect(201)).body).toMatchObject({ state: 'failed' })
  })
})

describe('the same Idempotency-Key', () => {
  test('is the same text, sent once, also while it is being sent', async () => {
    const { instance } = await h.withNumber()
    const answer = Promise.withResolvers<void>()
    const { sent, app } = telnyx(() => answer.promise.then(() => taken()))
    const first = send(app, instance, {}, 'k').then((res) => res)
    await expect.poll(() => sent.length).toBe(1)
    const again = await send(app, instance, {}, 'k').expect(200)
    expect(again.body).toMatchObject({ state: 'sending' })
    answer.resolve()
    expect((await first).body).toMatchObject({ id: again.body.id as string, state: 'sent' })
    expect(await h.messages(instance)).toHaveLength(1)
  })

  test('is not used up by a text that nobody could keep', async () => {
    const { instance } = await h.withNumber()
    const { sent, app } = telnyx()
    for (const text of ['half a \ud83d', 'a NUL \0']) await send(app, instance, { text }, 'k').expect(400)
    await send(app, instance, {}, 'k').expect(201)
    expect(sent).toHaveLength(1)
  })

  test('for another text is a conflict', async () => {
    const { instance } = await h.withNumber()
    const { sent, app } = telnyx()
    await send(app, instance, {}, 'k').expect(201)
    expect((await send(app, instance, { text: 'bye' }, 'k').expect(409)).body).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    expect(sent).toHaveLength(1)
  })

  test('of another instance is another text', async () => {
    const [a, b] = [await h.withNumber(), await h.withNumber()]
    const { app } = telnyx()
    const ids = [await send(app, a.instance, {}, 'k').expect(201), await send(app, b.instance, {}, 'k').expect(201)].map(
      ({ body }) => body.id as string,
    )
    expect(new Set(ids).size).toBe(2)
  })

  test('may be 128 characters long', async () => {
    const { instance } = await h.withNumber()
    await send(telnyx().app, instance, {}, 'k'.repeat(128)).expect(201)
    await send(telnyx().app, instance, {}, 'k'.repeat(129)).expect(400)
  })
})

describe('the daily cap', () => {
  test('holds when many are sent at the same moment', async () => {
    const { instance } = await h.withNumber()
    const { sent, app } = telnyx()
    const tx = await h.db.connect()
    await tx.query('begin')
    await tx.query('select from instance_services where instance_id = $1 for update', [instance.id])
    const sends = Array.from({ length: CAP + 4 }, (_, i) => send(app, instance, { text: `${i}` }).then(({ status }) => status))
    await h.waitForLock('for no key update', CAP + 4)
    await tx.query('commit')
    tx.release()
    expect((await Promise.all(sends)).toSorted((a, b) => a - b)).toEqual([
      ...Array<number>(CAP).fill(201),
      ...Array<number>(4).fill(429),
    ])
    expect(sent).toHaveLength(CAP)
  })

  test('is each instance’s own, says when it is over, and is over then', async () => {
    const [{ instance }, other] = [await h.withNumber(), await h.withNumber()]
    const { app } = telnyx()
    for (let i = 0; i < CAP; i++) await send(app, instance, {}, `${i}`).expect(201)
    await h.rows(`update sms_messages set at = at - interval '23 hours' where instance_id = $1`, [instance.id])
    const { body, headers } = await send(app, instance).expect(429)
    expect(body).toMatchObject({ code: 'SMS_CAP' })
    expect(Math.round(Number(headers['retry-after']) / 60)).toBe(60)
    expect((await h.events(instance)).map(({ detail }) => detail.code)).toEqual(['SMS_CAP'])
    // a repeat is no further one
    await send(app, instance, {}, '0').expect(200)
    await send(app, other.instance).expect(201)
    await h.rows(`update sms_messages set at = at - interval '61 minutes' where instance_id = $1`, [instance.id])
    await send(app, instance).expect(201)
  })
})

describe('reading', () => {
  test('goes on after the last one that was read', async () => {
    const { instance, number } = await h.withNumber()
    await h.rows(
      `insert into sms_messages (instance_id, direction, from_number, to_number, body, state)
        select $1, 'inbound', $2, $3, n::text, 'received' from generate_series(1, 5) n`,
      [instance.id, FRIEND, number],
    )
    const seen: string[] = []
    for (let query = '?limit=2'; ;) {
      const page = await h.messages(instance, query)
      const last = page.at(-1)
      if (!last) break
      seen.push(...page.map(({ text }) => text))
      query = `?limit=2&after=${last.id}`
    }
    expect(seen).toEqual(['1', '2', '3', '4', '5'])
  })

  test('shows nobody’s but its own, and says nothing about others’', async () => {
    const [mine, others] = [await h.withNumber(), await h.withNumber()]
    const { app } = telnyx()
    await send(app, mine.instance, { text: 'mine' }).expect(201)
    const foreign = (await send(app, others.instance, { text: 'secret' }).expect(201)).body as { id: string }
    const texts = async (query: string) => (await h.messages(mine.instance, query)).map(({ text }) => text)
    // as with one that was forgotten: everything there is
    expect([await texts(''), await texts(`?after=${foreign.id}`), await texts(`?after=${randomUUID()}`)]).toEqual([
      ['mine'],
      ['mine'],
      ['mine'],
    ])
  })
})

test('texts are forgotten after 7 days and events after 90, however many there are', async () => {
  const { instance, number } = await h.withNumber()
  await h.rows(
    `insert into sms_messages (instance_id, direction, from_number, to_number, body, state, at)
      select $1, 'inbound', $2, $3, days::text, 'received', clock_now() - (days - 0.01) * interval '1 day'
      from generate_series(6, 8) days, generate_series(1, 1001)`,
    [instance.id, FRIEND, number],
  )
  await h.rows(
    `insert into instance_events (instance_id, type, at)
      select $1, 'kept', clock_now() - (days - 0.01) * interval '1 day' from unnest(array[1, 90, 91]) days`,
    [instance.id],
  )
  await forgetOld(h.db)
  const kept = await h.rows(
    'select body, count(*)::int as count from sms_messages where instance_id = $1 group by body order by body',
    [instance.id],
  )
  expect(kept).toEqual([
    { body: '6', count: 1001 },
    { body: '7', count: 1001 },
  ])
  expect(await h.events(instance)).toHaveLength(2)
})
