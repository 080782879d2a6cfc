import { createHash } from 'node:crypto'
import type { Clock } from '@convos/kit'
import { isKind, ProviderError } from '../../infra/errors.ts'
import { NUMBER_LISTED_WITHIN, NUMBER_ORDER_PENDING, NUMBER_ORDERED, NUMBER_UNLISTED, RETRY_CAP } from '../../limits.ts'
import { NotYet } from '../../saga.ts'
import type { Order, OwnedNumber, TelnyxApi } from './api.ts'

/** How many numbers are asked for at once, how many of those are tried, and how often before somebody has to come back. */
const SHOWN = 20
const TRIES = 4
const SEARCHES = 3

type Fate = 'pending' | 'failed' | 'unlisted' | 'given back' | OwnedNumber

export type Purchases = ReturnType<typeof createPurchases>

/** Numbers that are bought by orders. All that is known of a purchase stands at Telnyx, under the buyer's key. */
export function createPurchases(api: TelnyxApi, clock: Pick<Clock, 'now'>) {
  const ageMs = (order: Order) => clock.now().getTime() - order.created_at.getTime()
  /** An order that a person must see to may stay open for days: the longer it is, the less it is asked about. */
  const open = (order: Order, reason: string) =>
    new NotYet(Math.min(RETRY_CAP, Math.max(NUMBER_ORDER_PENDING, ageMs(order) / 10)), reason)

  /** What has become of an order of this buyer. */
  async function fateOf(order: Order, key: string): Promise<Fate> {
    const outcome = outcomeOf(order)
    if (outcome !== 'success') return outcome
    for (const { phone_number } of order.phone_numbers) {
      const number = await api.owned(phone_number)
      // one that was given back may have been sold again
      if (number && (number.customer_reference ?? key) === key) return number
    }
    return ageMs(order) < NUMBER_LISTED_WITHIN ? 'unlisted' : 'given back'
  }

  /** Orders one of the numbers that are for sale; false when others were quicker every time. */
  async function orderOne(key: string, profileId: string, earlier: Order[]): Promise<boolean> {
    for (let search = 1; search <= SEARCHES; search++) {
      const numbers = await api.search(SHOWN)
      if (numbers.length === 0) throw unavailable('no number that can text is for sale')
      for (const phoneNumber of spread(numbers, `${key} ${earlier.length}`).slice(0, TRIES)) {
        if (await tryToOrder(phoneNumber, key, profileId)) return true
        // the buyer who was quicker may be us, by an order whose answer got lost
        const since = await ordersSince(earlier, key)
        if (since.some((order) => outcomeOf(order) !== 'failed')) return true
      }
    }
    return false
  }

  async function tryToOrder(phoneNumber: string, key: string, profileId: string): Promise<boolean> {
    try {
      await api.placeOrder({ phoneNumber, reference: key, profileId })
      return true
    } catch (err) {
      if (isKind(err, 'conflict')) return false
      throw err
    }
  }

  /** The orders that were not there before. */
  async function ordersSince(earlier: Order[], key: string): Promise<Order[]> {
    const known = new Set(earlier.map(({ id }) => id))
    return (await api.ordersOf(key)).filter(({ id }) => !known.has(id))
  }

  return {
    /**
     * The number of this buyer: bought before, or ordered now.
     * @throws NotYet until it is there
     * @throws ProviderError also when it is not known whether an order stands
     */
    async numberOf(key: string, profileOf: () => Promise<string>): Promise<OwnedNumber> {
      const orders = await api.ordersOf(key)
      for (const each of orders) {
        const fate = await fateOf(each, key)
        if (fate === 'pending') throw open(each, 'the number is ordered')
        if (fate === 'unlisted') throw new NotYet(NUMBER_UNLISTED, 'the number is bought and not listed yet')
        if (typeof fate === 'object') return fate
      }
      if (!(await orderOne(key, await profileOf(), orders))) throw unavailable('no number could be had')
      const since = await ordersSince(orders, key).catch(() => [])
      // an order that no list shows is as good as one whose answer was lost
      if (since.length === 0) throw unavailable('the order is not listed yet', true)
      throw new NotYet(NUMBER_ORDERED, 'the number is ordered')
    },

    /** What this buyer has: numbers, and orders that may become some; of one that was given back just now that cannot be told apart. */
    async holdingsOf(key: string): Promise<string[]> {
      const ids: string[] = []
      for (const each of await api.ordersOf(key)) {
        const fate = await fateOf(each, key)
        if (fate === 'pending' || fate === 'unlisted') ids.push(orderId(each))
        if (typeof fate === 'object') ids.push(fate.id)
      }
      return ids
    },

    /**
     * The number that came of an order; null when there is none (any more).
     * @throws NotYet while that is open
     */
    async numberOrdered(id: string): Promise<OwnedNumber | null> {
      const order = await api.order(id)
      const fate = await fateOf(order, order.customer_reference ?? '')
      if (fate === 'pending') throw open(order, 'an order cannot be withdrawn while it is pending')
      if (fate === 'unlisted') throw new NotYet(NUMBER_UNLISTED, 'the number is bought and not listed yet')
      return typeof fate === 'object' ? fate : null
    },
  }
}

const ORDER = 'order:'
/** How an order is told from a number where both can be. */
export const orderId = ({ id }: Pick<Order, 'id'>): string => `${ORDER}${id}`
/** The order that is meant, if it is one. */
export const orderIn = (resourceId: string): string | null =>
  resourceId.startsWith(ORDER) ? resourceId.slice(ORDER.length) : null

/** An order is of one number; where the two disagree, the number knows better. */
export function outcomeOf({ status, phone_numbers }: Pick<Order, 'status' | 'phone_numbers'>): 'pending' | 'success' | 'failed' {
  const said = [...phone_numbers.map((number) => number.status), status]
  const settled = said.find((each) => each === 'success' || each === 'failure')
  return settled === undefined ? 'pending' : settled === 'success' ? 'success' : 'failed'
}

/** The order in which a buyer tries the numbers: whoever is shown the same ones begins somewhere else, and goes on elsewhere. */
export function spread(numbers: string[], buyer: string): string[] {
  const weight = (number: string) => createHash('sha256').update(`${buyer} ${number}`).digest('hex')
  return numbers
    .map((number) => ({ number, weight: weight(number) }))
    .toSorted((a, b) => (a.weight < b.weight ? -1 : 1))
    .map(({ number }) => number)
}

const unavailable = (message: string, uncertain = false) =>
  new ProviderError(message, { provider: 'telnyx', operation: 'orderNumber', kind: 'transient', uncertain })
