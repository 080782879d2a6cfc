import Telnyx from 'telnyx'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTelnyx } from '../src/simulators/telnyx/index.ts'
import { scoped } from '../src/testing/index.ts'
import { mount } from './support/mount.ts'
import { startTelnyx, type TelnyxApi } from './support/telnyx-api.ts'

const MARKER = 'convos:dep1:dev:abcdefghijkl'

let telnyx: TelnyxApi
beforeEach(async () => {
  telnyx = await startTelnyx()
})
afterEach(() => telnyx[Symbol.asyncDispose]())

const refusal = async (request: PromiseLike<unknown>) => {
  const error: unknown = await Promise.resolve(request).then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Telnyx.APIError)) throw new Error('the request was not refused')
  return { status: error.status, code: (error.error as { errors: { code: string }[] }).errors[0]?.code }
}
const absent = { status: 404, code: '10005' }

describe('the market', () => {
  test('shows numbers with what they can do and cost; who asks again is shown the same', async () => {
    const { data = [], meta } = await telnyx.sdk.availablePhoneNumbers.list({
      filter: { country_code: 'US', features: ['sms', 'mms'], administrative_area: 'IL', limit: 3 },
    })
    expect(meta).toEqual({ total_results: 3, best_effort_results: 0 })
    expect(data).toHaveLength(3)
    expect(data[0]).toMatchObject({
      record_type: 'available_phone_number',
      phone_number: expect.stringMatching(/^\+1312\d{7}$/),
      features: expect.arrayContaining([{ name: 'sms' }, { name: 'mms' }]),
      cost_information: { currency: 'USD', monthly_cost: '1.00' },
      region_information: expect.arrayContaining([{ region_type: 'state', region_name: 'IL' }]),
    })
    expect(await telnyx.search({ features: ['sms', 'mms'], administrative_area: 'IL', limit: 3 })).toEqual(
      data.map((each) => each.phone_number),
    )
  })

  test('is empty where there is no coverage and when it is sold out', async () => {
    expect(await telnyx.search({ country_code: 'FR' })).toEqual([])
    expect(await telnyx.search({ national_destination_code: '999' })).toEqual([])
    expect(await telnyx.search({ phone_number_type: 'toll_free', features: ['mms'] })).toEqual([])
    await telnyx.configure({ stock: 0 })
    expect(await telnyx.search()).toEqual([])
  })

  test('searches by digits', async () => {
    const [some = ''] = await telnyx.search({ limit: 1 })
    expect(await telnyx.search({ phone_number: { ends_with: some.slice(-4) } })).toContain(some)
    expect(await telnyx.search({ phone_number: { starts_with: '4', contains: '15' }, limit: 1 })).toEqual([
      expect.stringMatching(/^\+1415/),
    ])
  })

  test('takes an unknown filter for a mistake', async () => {
    const answer = await fetch(`${telnyx.url}/available_phone_numbers?filter[colour]=red`, {
      headers: { authorization: 'Bearer any-key' },
    })
    expect(answer.status).toBe(400)
  })
})

describe('an order', () => {
  test('is pending, then a success, and can be found by its reference', async () => {
    const [number = ''] = await telnyx.search({ limit: 1 })
    const { id, ...placed } = await telnyx.order(number, { customer_reference: MARKER })
    expect(placed).toMatchObject({
      record_type: 'number_order',
      status: 'pending',
      phone_numbers_count: 1,
      customer_reference: MARKER,
      phone_numbers: [{ record_type: 'number_order_phone_number', phone_number: number, status: 'pending' }],
    })
    telnyx.settle()
    const { data } = await telnyx.sdk.numberOrders.retrieve(id)
    expect(data).toMatchObject({ status: 'success', phone_numbers: [{ status: 'success' }] })
    const found = await telnyx.sdk.numberOrders.list({ filter: { customer_reference: MARKER, status: 'success' } })
    expect(found.data.map((each) => each.id)).toEqual([id])
    expect((await telnyx.sdk.numberOrders.list({ filter: { customer_reference: 'another' } })).data).toEqual([])
  })

  test('takes only what a search has shown', async () => {
    expect(await refusal(telnyx.order('+13125550100'))).toEqual({ status: 400, code: '10015' })
    expect(await refusal(telnyx.order('555'))).toEqual({ status: 400, code: '10015' })
    expect(await refusal(telnyx.order('+13125550100', { messaging_profile_id: 'nowhere' }))).toMatchObject({ status: 400 })
    const [number = ''] = await telnyx.search({ limit: 1 })
    expect(await refusal(telnyx.order(number, { messaging_profile_id: 'nowhere' }))).toEqual({ status: 422, code: '10017' })
    expect(await telnyx.search({ limit: 1 })).toEqual([number])
  })

  test('of five for one number, all at once, one gets it', async () => {
    const [number = ''] = await telnyx.search({ limit: 1 })
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => telnyx.order(number)))
    expect(outcomes.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
    expect(await refusal(telnyx.order(number))).toEqual({ status: 409, code: '85001' })
    expect(await telnyx.search()).not.toContain(number)
    expect(telnyx.simulator.resources()).toMatchObject({ numbers: [{ name: number }], orders: [{}] })
  })

  test('that came too late can also be told so later', async () => {
    await telnyx.configure({ loser: 'failure' })
    const [number = ''] = await telnyx.search({ limit: 1 })
    const [winner, loser] = [await telnyx.order(number), await telnyx.order(number)]
    expect(loser).toMatchObject({ status: 'pending' })
    telnyx.settle()
    const status = async ({ id }: { id: string }) => (await telnyx.sdk.numberOrders.retrieve(id)).data?.status
    expect([await status(winner), await status(loser)]).toEqual(['success', 'failure'])
    expect((await telnyx.sdk.phoneNumbers.list()).data).toHaveLength(1)
  })

  test('can be given another reference', async () => {
    const [number = ''] = await telnyx.search({ limit: 1 })
    const { id } = await telnyx.order(number)
    await telnyx.sdk.numberOrders.update(id, { customer_reference: 'later' })
    expect((await telnyx.sdk.numberOrders.retrieve(id)).data).toMatchObject({ customer_reference: 'later' })
  })
})

describe('a number of ours', () => {
  test('is found some time after its purchase, at first not active', async () => {
    await telnyx.configure({ listedAfterMs: 1_000, activationMs: 60_000 })
    const [number = ''] = await telnyx.search({ limit: 1 })
    const order = await telnyx.order(number, { customer_reference: MARKER })
    const found = async () => (await telnyx.sdk.phoneNumbers.list({ filter: { customer_reference: MARKER } })).data
    expect(await found()).toEqual([])
    telnyx.clock.advance(1_000)
    const [pending] = await found()
    expect(pending).toMatchObject({
      record_type: 'phone_number',
      phone_number: number,
      status: 'purchase-pending',
      country_iso_alpha2: 'US',
      phone_number_type: 'local',
      customer_reference: MARKER,
      tags: [],
      external_pin: null,
    })
    expect(pending?.id).toMatch(/^\d{19}$/)
    expect(pending?.id).not.toBe(order.phone_numbers?.[0]?.id)
    telnyx.clock.advance(60_000)
    expect((await found())[0]).toMatchObject({ status: 'active' })
  })

  test('is read, tagged and found by its tag', async () => {
    const { id } = await telnyx.buy()
    await telnyx.buy()
    const { data } = await telnyx.sdk.phoneNumbers.update(id, { tags: [MARKER], customer_reference: 'mine' })
    expect(data).toMatchObject({ id, tags: [MARKER], customer_reference: 'mine' })
    expect((await telnyx.sdk.phoneNumbers.list({ filter: { tag: MARKER } })).data.map((each) => each.id)).toEqual([id])
    expect((await telnyx.sdk.phoneNumbers.list({ filter: { without_tags: 'true' } })).data).toHaveLength(1)
  })

  test('is released once, and nobody can buy it again', async () => {
    const { id, phoneNumber } = await telnyx.buy()
    expect((await telnyx.sdk.phoneNumbers.delete(id)).data).toMatchObject({ id, status: 'deleted' })
    for (const request of [() => telnyx.sdk.phoneNumbers.delete(id), () => telnyx.sdk.phoneNumbers.retrieve(id)]) {
      expect(await refusal(request())).toEqual(absent)
    }
    expect((await telnyx.sdk.phoneNumbers.list()).data).toEqual([])
    expect(await refusal(telnyx.order(phoneNumber))).toEqual({ status: 409, code: '85001' })
    expect(telnyx.simulator.resources()).toMatchObject({ numbers: [] })
  })

  test('is listed in pages that the SDK walks to their end', async () => {
    const bought = []
    for (let i = 0; i < 5; i++) bought.push((await telnyx.buy()).id)
    const pages = await telnyx.sdk.phoneNumbers.list({ 'page[size]': 2 })
    expect(pages.meta).toEqual({ page_number: 1, page_size: 2, total_pages: 3, total_results: 5 })
    const seen = []
    for await (const number of pages) seen.push(number.id)
    expect(seen).toEqual(bought.toReversed())
  })
})

describe('messaging profiles', () => {
  test('are made, found by name, changed and deleted', async () => {
    const { id, ...made } = await telnyx.newProfile({ name: MARKER, webhook_url: 'http://127.0.0.1:1/hook' })
    expect(made).toMatchObject({
      record_type: 'messaging_profile',
      enabled: true,
      webhook_api_version: '2',
      v1_secret: expect.any(String),
    })
    await telnyx.newProfile()
    const found = await telnyx.sdk.messagingProfiles.list({ filter: { name: MARKER } })
    expect(found.data.map((each) => each.id)).toEqual([id])
    const changed = await telnyx.sdk.messagingProfiles.update(id, { webhook_url: '', enabled: false })
    expect(changed.data).toMatchObject({ name: MARKER, webhook_url: null, enabled: false })
    await telnyx.sdk.messagingProfiles.delete(id)
    expect(await refusal(telnyx.sdk.messagingProfiles.retrieve(id))).toEqual(absent)
  })

  test('need a name and destinations', async () => {
    expect(await refusal(telnyx.newProfile({ name: '' }))).toEqual({ status: 400, code: '10015' })
    expect(await refusal(telnyx.newProfile({ whitelisted_destinations: [] }))).toEqual({ status: 400, code: '10015' })
  })

  test('get their numbers at purchase or later; “” takes one away, nothing keeps it', async () => {
    const profile = await telnyx.newProfile()
    const { id } = await telnyx.buy({ messaging_profile_id: profile.id })
    const numbers = async () => (await telnyx.sdk.messagingProfiles.listPhoneNumbers(profile.id)).data.map((each) => each.id)
    const assign = (messaging_profile_id?: string) =>
      telnyx.sdk.phoneNumbers.messaging.update(id, messaging_profile_id === undefined ? {} : { messaging_profile_id })
    expect(await numbers()).toEqual([id])
    expect((await telnyx.sdk.phoneNumbers.retrieve(id)).data).toMatchObject({
      messaging_profile_id: profile.id,
      messaging_profile_name: 'agents',
    })
    expect(await refusal(telnyx.sdk.messagingProfiles.delete(profile.id))).toEqual({ status: 422, code: '10021' })

    expect((await assign('')).data).toMatchObject({ record_type: 'messaging_settings', messaging_profile_id: null })
    expect(await numbers()).toEqual([])
    await assign(profile.id)
    expect((await assign()).data).toMatchObject({ messaging_profile_id: profile.id })
    expect(await numbers()).toEqual([id])
    expect(await refusal(assign('nowhere'))).toEqual({ status: 422, code: '10017' })
  })
})

describe('who may ask, and how often', () => {
  test('nobody without a bearer', async () => {
    const answer = await fetch(`${telnyx.url}/phone_numbers`)
    expect([answer.status, await answer.json()]).toEqual([
      401,
      { errors: [expect.objectContaining({ code: '10009', meta: { url: expect.stringMatching(/10009$/) } })] },
    ])
  })

  test('where a key is set, no other', async () => {
    const strict = scoped(await mount((ctx) => createTelnyx(ctx, { apiKey: 'the-one' })))
    const status = async (key: string) =>
      (await fetch(`${strict.url}/phone_numbers`, { headers: { authorization: `Bearer ${key}` } })).status
    expect([await status('the-one'), await status('another')]).toEqual([200, 401])
  })

  test('so many a minute, and each answer says how many are left', async () => {
    await telnyx.configure({ requestsPerMinute: 2 })
    const ask = () => fetch(`${telnyx.url}/phone_numbers`, { headers: { authorization: 'Bearer any-key' } })
    const left = async () => (await ask()).headers.get('x-ratelimit-remaining')
    expect([await left(), await left()]).toEqual(['1', '0'])
    expect(await refusal(telnyx.sdk.phoneNumbers.list())).toEqual({ status: 429, code: '10011' })
    telnyx.clock.advance(60_000)
    expect((await ask()).status).toBe(200)
  })
})

describe('as a part of the test bed', () => {
  test('resources name each one’s instance by the marker', async () => {
    const profile = await telnyx.newProfile({ name: `agents ${MARKER}` })
    const { id, phoneNumber } = await telnyx.buy({ customer_reference: MARKER, messaging_profile_id: profile.id })
    const common = { instanceId: 'abcdefghijkl', createdAt: expect.stringMatching(/Z$/), id: expect.any(String) }
    expect(telnyx.simulator.resources()).toEqual({
      numbers: [{ ...common, id, name: phoneNumber, messagingProfileId: profile.id }],
      orders: [{ ...common, name: MARKER, status: 'success' }],
      profiles: [{ ...common, id: profile.id, name: `agents ${MARKER}` }],
    })
  })

  test('a stale list does not show yet what is new', async () => {
    const old = await telnyx.buy()
    telnyx.clock.advance(60_000)
    await telnyx.buy()
    telnyx.faults.add({ provider: 'telnyx', match: { path: '/phone_numbers' }, effect: { kind: 'stale-list', ms: 30_000 } })
    expect((await telnyx.sdk.phoneNumbers.list()).data.map((each) => each.id)).toEqual([old.id])
  })

  test('state survives, the market and the public key too; a reset leaves only the key', async () => {
    const profile = await telnyx.newProfile()
    await telnyx.buy({ customer_reference: MARKER, messaging_profile_id: profile.id })
    const [next = ''] = await telnyx.search({ limit: 1 })
    const [resources, { publicKey }] = [telnyx.simulator.resources(), await telnyx.account()]
    const saved = JSON.stringify(telnyx.simulator.dump())

    await telnyx.simulator.reset()
    expect(telnyx.simulator.resources()).toEqual({ numbers: [], orders: [], profiles: [] })
    expect(await telnyx.search()).not.toContain(next)
    expect((await telnyx.account()).publicKey).toBe(publicKey)

    const restarted = scoped(await mount((ctx) => createTelnyx(ctx)))
    await restarted.simulator.load(JSON.parse(saved))
    restarted.clock.advance(telnyx.clock.offsetMs())
    expect(restarted.simulator.resources()).toEqual(resources)
    const sdk = new Telnyx({ apiKey: 'any-key', baseURL: restarted.url, maxRetries: 0 })
    const { data } = await sdk.numberOrders.create({ phone_numbers: [{ phone_number: next }] })
    expect(data?.status).toBe('pending')
    expect(await (await fetch(restarted.controlUrl)).json()).toMatchObject({ publicKey })
  })
})
