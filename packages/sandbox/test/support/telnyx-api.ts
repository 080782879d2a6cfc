import Telnyx from 'telnyx'
import { z } from 'zod'
import { createTelnyx } from '../../src/simulators/telnyx/index.ts'
import { eventually } from '../../src/testing/index.ts'
import { mount } from './mount.ts'

const Account = z.object({ publicKey: z.string(), settings: z.record(z.string(), z.unknown()) })

export type TelnyxApi = Awaited<ReturnType<typeof startTelnyx>>

/** The Telnyx simulator behind a real port, spoken to by the official SDK, and what most tests begin with. */
export async function startTelnyx() {
  const telnyx = await mount((ctx) => createTelnyx(ctx))
  const sdk = new Telnyx({ apiKey: 'any-key', baseURL: telnyx.url, maxRetries: 0, timeout: 5_000 })

  const control = (method: string, path: string, body?: object) =>
    fetch(telnyx.controlUrl + path, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  const account = async () => Account.parse(await (await control('GET', '')).json())
  const configure = async (settings: object) => void (await control('PATCH', '/settings', settings))

  const search = async (filter: Telnyx.AvailablePhoneNumberListParams.Filter = {}) => {
    const { data = [] } = await sdk.availablePhoneNumbers.list({ filter: { country_code: 'US', ...filter } })
    return data.map((each) => each.phone_number ?? '')
  }
  const order = async (phoneNumber: string, more: Omit<Telnyx.NumberOrderCreateParams, 'phone_numbers'> = {}) => {
    const { data } = await sdk.numberOrders.create({ phone_numbers: [{ phone_number: phoneNumber }], ...more })
    if (!data?.id) throw new Error('an order without an id')
    return { ...data, id: data.id }
  }
  /** Until everything that was ordered is active and found. */
  const settle = () => telnyx.clock.advance(5_000)
  /** A number of ours, with its own id. */
  const buy = async (more: Omit<Telnyx.NumberOrderCreateParams, 'phone_numbers'> = {}) => {
    const [phoneNumber = ''] = await search({ limit: 1 })
    await order(phoneNumber, more)
    settle()
    const owned = await eventually('the number is listed', async () => {
      const { data } = await sdk.phoneNumbers.list({ filter: { phone_number: phoneNumber } })
      return data[0]
    })
    return { id: owned.id, phoneNumber }
  }
  const newProfile = async (more: Partial<Telnyx.MessagingProfileCreateParams> = {}) => {
    const { data } = await sdk.messagingProfiles.create({ name: 'agents', whitelisted_destinations: ['US'], ...more })
    if (!data?.id) throw new Error('a profile without an id')
    return { ...data, id: data.id }
  }
  return { ...telnyx, sdk, control, account, configure, search, order, settle, buy, newProfile }
}
