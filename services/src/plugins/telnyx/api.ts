import { z } from 'zod'
import type { RestClient } from '../rest.ts'

/** The provider's largest page. */
const PAGE = 250

const OwnedNumber = z.object({
  /** An integer too large for a JavaScript number, and not the id that the order gave it. */
  id: z.string(),
  phone_number: z.string(),
  customer_reference: z.string().nullish(),
  messaging_profile_id: z.string().nullish(),
  created_at: z.coerce.date(),
})
export type OwnedNumber = z.output<typeof OwnedNumber>

const Order = z.object({
  id: z.string(),
  status: z.string(),
  phone_numbers: z.array(z.object({ phone_number: z.string(), status: z.string() })),
  customer_reference: z.string().nullish(),
  created_at: z.coerce.date(),
})
export type Order = z.output<typeof Order>

const Profile = z.object({ id: z.string(), name: z.string(), webhook_url: z.string().nullish(), created_at: z.coerce.date() })
export type Profile = z.output<typeof Profile>

const Meta = z.object({ total_pages: z.number() })
const dataOf = <S extends z.ZodType>(schema: S) => z.object({ data: schema })
const Found = dataOf(z.array(z.object({ phone_number: z.string() })))

export type TelnyxApi = ReturnType<typeof createTelnyxApi>

/** What is asked of Telnyx about numbers, their orders, and the profiles that they text through. */
export function createTelnyxApi(call: RestClient) {
  const id = encodeURIComponent

  async function allPages<S extends z.ZodType>(path: string, operation: string, filter: Record<string, string>, item: S) {
    const reply = z.object({ data: z.array(item), meta: Meta })
    const all: z.output<S>[] = []
    for (let page = 1; ; page++) {
      const query = new URLSearchParams({ ...filter, 'page[number]': String(page), 'page[size]': String(PAGE) })
      const { data, meta } = await call(`${path}?${query.toString()}`, { operation, reply })
      all.push(...data)
      if (page >= meta.total_pages) return all
    }
  }
  const ordersWhere = (filter: Record<string, string>) => allPages('/number_orders', 'listOrders', filter, Order)

  return {
    /** Every order of this buyer, the oldest first. */
    ordersOf: async (reference: string) => (await ordersWhere({ 'filter[customer_reference]': reference })).toSorted(oldestFirst),
    pendingOrders: () => ordersWhere({ 'filter[status]': 'pending' }),
    async order(orderId: string): Promise<Order> {
      return (await call(`/number_orders/${id(orderId)}`, { operation: 'readOrder', reply: dataOf(Order) })).data
    },
    placeOrder: (p: { phoneNumber: string; reference: string; profileId: string }) =>
      call('/number_orders', {
        operation: 'orderNumber',
        method: 'POST',
        json: {
          phone_numbers: [{ phone_number: p.phoneNumber }],
          customer_reference: p.reference,
          messaging_profile_id: p.profileId,
        },
        reply: dataOf(Order),
      }),
    /** Numbers for sale that can text. A search holds none of them: others are shown the same ones. */
    async search(limit: number): Promise<string[]> {
      const query = new URLSearchParams({
        'filter[country_code]': 'US',
        'filter[features]': 'sms',
        'filter[limit]': String(limit),
        'filter[exclude_held_numbers]': 'true',
      })
      const { data } = await call(`/available_phone_numbers?${query.toString()}`, { operation: 'searchNumbers', reply: Found })
      return data.map(({ phone_number }) => phone_number)
    },

    ownedNumbers: () => allPages('/phone_numbers', 'listNumbers', {}, OwnedNumber),
    /** The filter finds parts of numbers too. */
    owned: async (phoneNumber: string) =>
      (await allPages('/phone_numbers', 'findNumber', { 'filter[phone_number]': phoneNumber }, OwnedNumber)).find(
        (number) => number.phone_number === phoneNumber,
      ) ?? null,
    release: (numberId: string) =>
      call(`/phone_numbers/${id(numberId)}`, { operation: 'releaseNumber', method: 'DELETE', reply: z.unknown() }),
    tag: (numberId: string, reference: string) =>
      call(`/phone_numbers/${id(numberId)}`, {
        operation: 'tagNumber',
        method: 'PATCH',
        json: { customer_reference: reference },
        reply: z.unknown(),
      }),
    assign: (numberId: string, profileId: string) =>
      call(`/phone_numbers/${id(numberId)}/messaging`, {
        operation: 'assignNumber',
        method: 'PATCH',
        json: { messaging_profile_id: profileId },
        reply: z.unknown(),
      }),

    /** Names are not unique; the oldest first. */
    profilesNamed: async (name: string) =>
      (await allPages('/messaging_profiles', 'listProfiles', { 'filter[name]': name }, Profile))
        .filter((profile) => profile.name === name)
        .toSorted(oldestFirst),
    async createProfile(profile: { name: string; webhookUrl: string | null; destinations: string[] }): Promise<Profile> {
      const json = {
        name: profile.name,
        whitelisted_destinations: profile.destinations,
        webhook_api_version: '2',
        ...(profile.webhookUrl !== null && { webhook_url: profile.webhookUrl }),
      }
      return (await call('/messaging_profiles', { operation: 'createProfile', method: 'POST', json, reply: dataOf(Profile) }))
        .data
    },
    redirectProfile: (profileId: string, webhookUrl: string) =>
      call(`/messaging_profiles/${id(profileId)}`, {
        operation: 'updateProfile',
        method: 'PATCH',
        json: { webhook_url: webhookUrl },
        reply: z.unknown(),
      }),
  }
}

type Row = { id: string; created_at: Date }
const oldestFirst = (a: Row, b: Row) => a.created_at.getTime() - b.created_at.getTime() || (a.id < b.id ? -1 : 1)
