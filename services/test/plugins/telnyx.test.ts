import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openGate } from '../../src/budget/gate.ts'
import { NUMBER_LISTED_WITHIN, RETRY_CAP } from '../../src/limits.ts'
import type { RestClient } from '../../src/plugins/rest.ts'
import { telnyx, type TelnyxOptions } from '../../src/plugins/telnyx.ts'
import { createTelnyxApi } from '../../src/plugins/telnyx/api.ts'
import { outcomeOf, spread } from '../../src/plugins/telnyx/purchase.ts'
import { NotYet } from '../../src/saga.ts'
import { toolContract } from './contract.ts'
import { keyOf, makeOne, newId, useProvider } from './world.ts'

const world = useProvider('telnyx')
const PROFILE = 'convos-0a1b2c3d-dev'
const plugin = (over: Partial<TelnyxOptions> = {}) =>
  telnyx(
    { url: world.url(), apiKey: 'ours', messagingProfileId: null, profileName: PROFILE, webhookUrl: null, ...over },
    openGate,
    { now: () => world.now() },
  )

toolContract(world, {
  plugin: () => plugin(),
  variables: { number: ['TELNYX_PHONE_NUMBER'] },
  creation: { number: { method: 'POST', path: '/number_orders' } },
  strangers: () => buyAsStranger(),
  refusal: { status: 401, body: { errors: [{ code: '10009', title: 'Authentication failed' }] } },
  alive: ({ numbers = [] }) => numbers,
})

const number = (over: Partial<TelnyxOptions> = {}) => plugin(over).resources[0]
const requestOf = (instanceId: string) => ({ instanceId, key: keyOf(instanceId), made: {} })
const visit = (instanceId: string, resource = number()) => resource.create(requestOf(instanceId))
const make = (instanceId: string, resource = number()) => makeOne(world, resource, requestOf(instanceId))
const bought = async () => (await world.resources())['numbers'] ?? []
const profiles = async () => (await world.resources())['profiles'] ?? []

async function forSale(): Promise<string[]> {
  const { data } = (await world.request('GET', '/available_phone_numbers?filter[features]=sms&filter[limit]=20')) as {
    data: { phone_number: string }[]
  }
  return data.map(({ phone_number }) => phone_number)
}
/** A number of ours that no instance has; it is there at once. */
async function buyAsStranger(order: object = {}): Promise<string> {
  const [phone_number] = await forSale()
  await world.request('POST', '/number_orders', { phone_numbers: [{ phone_number }], ...order })
  world.later(2_000)
  return phone_number ?? ''
}

describe('buying', () => {
  test.each(['conflict', 'failure'])('twenty at once get a number each, whoever was quicker (%s)', async (loser) => {
    await world.set({ loser })
    const resource = number()
    const made = await Promise.all(Array.from({ length: 20 }, () => make(newId(), resource)))
    expect(new Set(made.map(({ resourceId }) => resourceId)).size).toBe(20)
    expect(await bought()).toHaveLength(20)
    expect(await profiles()).toHaveLength(1)
  })

  test('is asked about again while the order is open, and orders no other', async () => {
    const id = newId()
    for (let i = 0; i < 3; i++) await expect(visit(id)).rejects.toBeInstanceOf(NotYet)
    expect(world.asked('POST', /number_orders$/)).toBe(1)
    await make(id)
    expect(world.asked('POST', /number_orders$/)).toBe(1)
  })

  test('is asked about less and less while the order stays open', async () => {
    await world.set({ activationMs: 86_400_000 })
    const waited = async (id: string) => (await visit(id).catch((err: unknown) => err)) as NotYet
    const id = newId()
    await waited(id)
    expect((await waited(id)).ms).toBe(1_000)
    world.later(600_000)
    expect((await waited(id)).ms).toBeGreaterThanOrEqual(60_000)
    world.later(20 * 3_600_000)
    expect((await waited(id)).ms).toBe(RETRY_CAP)
    const [order = ''] = await number().find(keyOf(id))
    await expect(number().destroy(order)).rejects.toMatchObject({ ms: RETRY_CAP })
    expect(world.asked('POST', /number_orders$/)).toBe(1)
  })

  const unlisted = { kind: 'transient', uncertain: true, message: expect.stringContaining('not listed yet') as string }

  test('is uncertain while the list does not show the order, so that no other is placed before it does', async () => {
    const id = newId()
    world.fault({ match: { method: 'GET', path: '/number_orders' }, times: 2, effect: { kind: 'stale-list', ms: 5_000 } })
    await expect(visit(id)).rejects.toMatchObject(unlisted)
    await make(id)
    expect(world.asked('POST', /number_orders$/)).toBe(1)
  })

  test('is as uncertain when the list cannot be had after the order', async () => {
    const id = newId()
    world.fault({ match: { method: 'POST', path: '/number_orders' }, times: 1, effect: { kind: 'latency', ms: 60_000 } })
    const visited = visit(id)
    const refused = expect(visited).rejects.toMatchObject(unlisted)
    await expect.poll(() => world.asked('POST', /number_orders$/)).toBe(1)
    world.fault({ match: { method: 'GET', path: '/number_orders' }, times: 1, effect: { kind: 'drop-before' } })
    world.later(60_000)
    await refused
    await make(id)
    expect(world.asked('POST', /number_orders$/)).toBe(1)
  })

  test('is over when the number that somebody else has is its own, by an order that seemed lost', async () => {
    const id = newId()
    const phone_number = await buyAsStranger({ customer_reference: keyOf(id) })
    world.fault({ match: { method: 'GET', path: '/number_orders' }, times: 1, effect: { kind: 'stale-list', ms: 60_000 } })
    const body = { data: [{ phone_number }, { phone_number: '+13125550100' }] }
    world.fault({ match: { path: '/available_phone_numbers' }, effect: { kind: 'status', status: 200, body, headers: {} } })
    await expect(visit(id)).rejects.toBeInstanceOf(NotYet)
    expect((await make(id)).config).toEqual({ phoneNumber: phone_number })
    expect(await bought()).toHaveLength(1)
  })

  test('tells when nothing is for sale', async () => {
    await world.set({ stock: 0 })
    await expect(visit(newId())).rejects.toMatchObject({
      kind: 'transient',
      uncertain: false,
      message: expect.stringContaining('for sale') as string,
    })
  })

  test.each([
    { status: 409, code: '85001', pointer: '/phone_numbers' },
    { status: 422, code: '85001', pointer: null },
    { status: 400, code: '10015', pointer: '/phone_numbers/0' },
    { status: 422, code: '10027', pointer: '/phone_numbers' },
  ])('tries others after a $status $code, but not for ever', async ({ status, code, pointer }) => {
    const body = { errors: [{ code, title: 'Not available', source: { pointer } }] }
    const match = { method: 'POST', path: '/number_orders' }
    world.fault({ match, times: 5, effect: { kind: 'status', status, body, headers: {} } })
    await make(newId())
    expect(world.asked('POST', /number_orders$/)).toBe(6)
    world.fault({ match, effect: { kind: 'status', status, body, headers: {} } })
    await expect(visit(newId())).rejects.toMatchObject({
      kind: 'transient',
      uncertain: false,
      message: expect.stringContaining('no number could be had') as string,
    })
    expect(world.asked('POST', /number_orders$/)).toBeLessThan(20)
  })

  test('is refused for good when it is not the number that is wrong', async () => {
    const visited = visit(newId(), number({ messagingProfileId: 'b0a7b3f4-0000-4000-8000-000000000000' }))
    await expect(visited).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('10017') as string })
  })

  test('begins anew for a number that was given back behind our back', async () => {
    const id = newId()
    const first = await make(id)
    await world.request('DELETE', `/phone_numbers/${first.resourceId}`)
    world.later(NUMBER_LISTED_WITHIN)
    expect(await number().find(keyOf(id))).toEqual([])
    const second = await make(id)
    expect(second.config['phoneNumber']).not.toBe(first.config['phoneNumber'])
  })

  test('leaves a number alone that was given back and sold to another of ours', async () => {
    const id = newId()
    const { resourceId, config } = await make(id)
    await world.request('PATCH', `/phone_numbers/${resourceId}`, { customer_reference: keyOf(newId()) })
    expect(await number().find(keyOf(id))).not.toContain(resourceId)
    world.later(NUMBER_LISTED_WITHIN)
    expect(await number().find(keyOf(id))).toEqual([])
    expect((await make(id)).config).not.toEqual(config)
  })

  test('makes its own what the order’s reference did not reach', async () => {
    const id = newId()
    const { resourceId } = await make(id)
    await world.request('PATCH', `/phone_numbers/${resourceId}`, { customer_reference: '' })
    world.fault({
      match: { method: 'GET', path: '/phone_numbers' },
      times: 1,
      effect: {
        kind: 'status',
        status: 200,
        body: {
          data: [
            {
              id: resourceId,
              phone_number: (await bought())[0]?.name,
              customer_reference: null,
              messaging_profile_id: 'UNAVAILABLE',
              created_at: world.now().toISOString(),
            },
          ],
          meta: { total_pages: 1 },
        },
        headers: {},
      },
    })
    await make(id)
    expect((await number().list?.())?.map(({ key }) => key)).toEqual([keyOf(id)])
  })
})

describe('giving back', () => {
  test('an order is found as one, and cannot be withdrawn before it is settled', async () => {
    const id = newId()
    await expect(visit(id)).rejects.toBeInstanceOf(NotYet)
    const [order = ''] = await number().find(keyOf(id))
    expect(order).toMatch(/^order:/)
    expect((await number().list?.())?.map(({ resourceId, key }) => [resourceId, key])).toEqual([[order, keyOf(id)]])
    await expect(number().destroy(order)).rejects.toBeInstanceOf(NotYet)
    await world.settled(() => number().destroy(order))
    expect(await bought()).toEqual([])
    world.later(NUMBER_LISTED_WITHIN)
    await world.settled(() => number().destroy(order))
  })

  test('a number that is bought and not listed yet is found by its order, and goes once it is listed', async () => {
    await world.set({ activationMs: 100, listedAfterMs: 20_000 })
    const id = newId()
    await expect(visit(id)).rejects.toBeInstanceOf(NotYet)
    world.later(200)
    await expect(visit(id)).rejects.toMatchObject({ message: expect.stringContaining('not listed yet') as string })
    const found = await number().find(keyOf(id))
    expect(found).toEqual([expect.stringMatching(/^order:/)])
    await world.settled(() => number().destroy(found[0] ?? ''))
    expect(await bought()).toEqual([])
    world.later(NUMBER_LISTED_WITHIN)
    expect(await number().find(keyOf(id))).toEqual([])
  })

  test('an order that came to nothing is gone, and one that never was', async () => {
    await world.set({ loser: 'failure' })
    const phone_number = await buyAsStranger()
    const request = { phone_numbers: [{ phone_number }], customer_reference: keyOf(newId()) }
    const { data } = (await world.request('POST', '/number_orders', request)) as { data: { id: string } }
    await world.settled(() => number().destroy(`order:${data.id}`))
    await number().destroy('order:b0a7b3f4-0000-4000-8000-000000000000')
    expect(await bought()).toHaveLength(1)
  })

  test('is not done because a stranger is told that there is no such number', async () => {
    const { resourceId } = await make(newId())
    const strangers = (status: number, code: string) => ({ status, body: { errors: [{ code, title: '' }] }, headers: {} })
    world.fault({ match: { method: 'DELETE' }, effect: { kind: 'status', ...strangers(404, '10005') } })
    world.fault({ match: { method: 'GET' }, effect: { kind: 'status', ...strangers(401, '10009') } })
    await expect(number().destroy(resourceId)).rejects.toMatchObject({ kind: 'auth' })
  })

  test('is tried again while the number is in use', async () => {
    const { resourceId } = await make(newId())
    const body = { errors: [{ code: '10021', title: 'Resource in use' }] }
    world.fault({ match: { method: 'DELETE' }, times: 1, effect: { kind: 'status', status: 422, body, headers: {} } })
    await expect(number().destroy(resourceId)).rejects.toMatchObject({ kind: 'transient', uncertain: false })
    await number().destroy(resourceId)
  })
})

describe('the messaging profile', () => {
  test('is one for all of ours, also when two processes make it at once', async () => {
    const creation = { method: 'POST', path: '/messaging_profiles' }
    world.fault({ match: creation, effect: { kind: 'hang' } })
    const both = Promise.all([make(newId(), number()), make(newId(), number())])
    await expect.poll(() => world.asked('POST', /messaging_profiles$/)).toBe(2)
    world.mend()
    await both
    await make(newId())
    expect((await profiles()).map(({ name }) => name)).toEqual([PROFILE, PROFILE])
    expect(new Set((await bought()).map(({ messagingProfileId }) => messagingProfileId)).size).toBe(1)
  })

  test('is the one that we were given', async () => {
    const { data } = (await world.request('POST', '/messaging_profiles', {
      name: 'shared',
      whitelisted_destinations: ['*'],
    })) as {
      data: { id: string }
    }
    await make(newId(), number({ messagingProfileId: data.id }))
    expect(await bought()).toMatchObject([{ messagingProfileId: data.id }])
    expect(await profiles()).toHaveLength(1)
  })

  test('reports to us, also after we have moved', async () => {
    const settings = async () => {
      const { data } = (await world.request('GET', '/messaging_profiles')) as { data: object[] }
      return data
    }
    await make(newId(), number({ webhookUrl: 'https://old.example/webhooks/telnyx' }))
    expect(await settings()).toMatchObject([
      { webhook_url: 'https://old.example/webhooks/telnyx', webhook_api_version: '2', whitelisted_destinations: ['US', 'CA'] },
    ])
    await make(newId(), number({ webhookUrl: 'https://new.example/webhooks/telnyx' }))
    expect(await settings()).toMatchObject([{ webhook_url: 'https://new.example/webhooks/telnyx' }])
  })

  test('gets the numbers that were bought for another', async () => {
    const id = newId()
    const before = await make(id)
    await world.request('PATCH', `/phone_numbers/${before.resourceId}/messaging`, { messaging_profile_id: '' })
    expect((await make(id)).resourceId).toBe(before.resourceId)
    expect(await bought()).toMatchObject([{ messagingProfileId: (await profiles())[0]?.id }])
  })
})

describe('what is read', () => {
  test('a list is read to its last page', async () => {
    const pages = [['1', '2'], ['3', '4'], ['5']]
    const call: RestClient = async (path, { reply }) => {
      const page = Number(new URL(path, 'http://telnyx').searchParams.get('page[number]'))
      const data = pages[page - 1]?.map((id) => ({ id, phone_number: `+1312555010${id}`, created_at: '2026-01-01T00:00:00Z' }))
      return reply.parse({ data, meta: { total_pages: pages.length } })
    }
    expect((await createTelnyxApi(call).ownedNumbers()).map(({ id }) => id)).toEqual(pages.flat())
  })

  const statuses = fc.constantFrom('pending', 'success', 'failure', 'requirement-info-pending')

  test('an order is settled as soon as its number is, whatever it says of itself', () =>
    fc.assert(
      fc.property(statuses, statuses, (order, item) => {
        const outcome = outcomeOf({ status: order, phone_numbers: [{ phone_number: '+13125550100', status: item }] })
        const said = [item, order].find((status) => status === 'success' || status === 'failure')
        expect(outcome).toBe(said === undefined ? 'pending' : said === 'success' ? 'success' : 'failed')
      }),
    ))

  test('every buyer tries every number that is shown, in the same order however they are shown', () =>
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^\+1[0-9]{10}$/), { maxLength: 20 }), fc.string(), (numbers, buyer) => {
        const tried = spread(numbers, buyer)
        expect(tried.toSorted()).toEqual(numbers.toSorted())
        expect(spread(numbers.toReversed(), buyer)).toEqual(tried)
      }),
    ))
})

test('without an API key we have no numbers', () => {
  expect(telnyx(null, openGate).available).toBe(false)
})
