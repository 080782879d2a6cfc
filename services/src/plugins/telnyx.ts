import { type Clock, systemClock } from '@convos/kit'
import type { Gate } from '../budget/gate.ts'
import { isKind } from '../infra/errors.ts'
import type { ResourceKind, ToolPlugin } from '../registry.ts'
import { keyIn } from './key.ts'
import { createTelnyxApi, type TelnyxApi } from './telnyx/api.ts'
import { claimersNumber } from './telnyx/claimer.ts'
import { createTelnyxClient, type TelnyxAccount } from './telnyx/client.ts'
import { createProfiles, type ProfileOptions } from './telnyx/profile.ts'
import { createPurchases, orderId, orderIn, type Purchases } from './telnyx/purchase.ts'

export type TelnyxOptions = TelnyxAccount & ProfileOptions

const OFF: TelnyxOptions = { url: '', apiKey: '', messagingProfileId: null, profileName: '', webhookUrl: null }

/** A phone number that texts: one of ours, used through services, or a claimer's own. */
export function telnyx(options: TelnyxOptions | null, gate: Gate, clock: Pick<Clock, 'now'> = systemClock): ToolPlugin {
  const account = options ?? OFF
  const api = createTelnyxApi(createTelnyxClient(account, gate))
  return {
    toolId: 'sms',
    name: 'Telnyx',
    provisioning: ['pool', 'user'],
    available: options !== null,
    resources: [numbers(api, createPurchases(api, clock), createProfiles(api, account))],
    userConfig: claimersNumber(account.url),
  }
}

function numbers(api: TelnyxApi, purchases: Purchases, profiles: ReturnType<typeof createProfiles>): ResourceKind {
  async function release(numberId: string): Promise<void> {
    try {
      await api.release(numberId)
    } catch (err) {
      if (!isKind(err, 'not_found')) throw err
      // strangers are told 404 too: a number is gone once somebody who may see it does not
      await api.pendingOrders()
    }
  }

  return {
    kind: 'number',
    variables: ['TELNYX_PHONE_NUMBER'],
    repeat: 'look',
    async create({ key }) {
      const number = await purchases.numberOf(key, profiles.ensure)
      const profileId = await profiles.ensure()
      if (number.messaging_profile_id !== profileId) await api.assign(number.id, profileId)
      if (number.customer_reference !== key) await api.tag(number.id, key)
      return {
        resourceId: number.id,
        config: { phoneNumber: number.phone_number },
        envVars: { TELNYX_PHONE_NUMBER: number.phone_number },
      }
    },
    find: (key) => purchases.holdingsOf(key),
    async destroy(resourceId) {
      const order = orderIn(resourceId)
      if (order === null) return release(resourceId)
      try {
        const number = await purchases.numberOrdered(order)
        if (number) await release(number.id)
      } catch (err) {
        if (!isKind(err, 'not_found')) throw err
      }
    },
    async list() {
      const [owned, pending] = await Promise.all([api.ownedNumbers(), api.pendingOrders()])
      const found = [
        ...owned.map((number) => ({ resourceId: number.id, reference: number.customer_reference, createdAt: number.created_at })),
        ...pending.map((order) => ({
          resourceId: orderId(order),
          reference: order.customer_reference,
          createdAt: order.created_at,
        })),
      ]
      return found.flatMap(({ resourceId, reference, createdAt }) => {
        const key = keyIn(reference)
        return key === null ? [] : [{ resourceId, key, createdAt }]
      })
    },
  }
}
