import { randomUUID } from 'node:crypto'
import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'
import { badRequest, noSuchAssociation, notFound, numberUnavailable } from './errors.ts'
import { E164, newNumberId, type Order } from './model.ts'
import { filtersOf, page } from './query.ts'
import type { TelnyxStore } from './store.ts'

const CreateOrder = z.object({
  phone_numbers: z.array(z.object({ phone_number: E164 })).min(1),
  messaging_profile_id: z.string().nullish(),
  connection_id: z.string().nullish(),
  billing_group_id: z.string().nullish(),
  customer_reference: z.string().nullish(),
})
type CreateOrder = z.infer<typeof CreateOrder>

const AmendOrder = z.object({ customer_reference: z.string() })
const ListFilter = z.strictObject({
  customer_reference: z.string().optional(),
  status: z.enum(['pending', 'success', 'failure']).optional(),
  'created_at.gt': z.coerce.date().optional(),
  'created_at.lt': z.coerce.date().optional(),
})

/** Orders of numbers: pending at first, and of two for the same number one succeeds. */
export function orderRoutes({ store, clock }: { store: TelnyxStore; clock: SimClock }): Router {
  const router = Router()
  const orderAt = (id: string) => {
    const order = store.order(id)
    if (!order) throw notFound()
    return order
  }

  router.post('/number_orders', (req, res) => {
    res.json({ data: present(place(CreateOrder.parse(req.body)), clock.now()) })
  })

  function place(body: CreateOrder): Order {
    const { activationMs, listedAfterMs, loser } = store.settings()
    const wanted = body.phone_numbers.map(({ phone_number }) => phone_number)
    const available = (number: string) => store.stock().some((each) => each.phone_number === number && each.shown)
    for (const number of wanted) {
      if (available(number)) continue
      if (!store.isSold(number)) throw badRequest('phone_numbers', `${number} was not returned by a search.`)
      if (loser === 'conflict') throw numberUnavailable(number)
    }
    if (body.messaging_profile_id && !store.profile(body.messaging_profile_id)) throw noSuchAssociation('messaging_profile_id')

    const now = clock.now()
    const after = (ms: number) => new Date(now.getTime() + ms).toISOString()
    const shared = {
      customer_reference: body.customer_reference ?? null,
      messaging_profile_id: body.messaging_profile_id ?? null,
      connection_id: body.connection_id ?? null,
      billing_group_id: body.billing_group_id ?? null,
      created_at: now.toISOString(),
      updated_at: now.toISOString(),
    }
    const items = wanted.map((phone_number) => {
      const bought = store.takeFromStock(phone_number)
      const times = { active_at: after(activationMs), listed_at: after(listedAfterMs) }
      if (bought) store.addNumber({ id: newNumberId(), phone_number, tags: [], ...shared, ...times })
      return { id: randomUUID(), phone_number, outcome: bought ? ('success' as const) : ('failure' as const) }
    })
    const order: Order = {
      id: randomUUID(),
      items,
      sub_number_orders_ids: [randomUUID()],
      ...shared,
      settles_at: after(activationMs),
    }
    store.addOrder(order)
    return order
  }

  router.get('/number_orders', (req, res) => {
    const filter = ListFilter.parse(filtersOf(req))
    const now = clock.now()
    const created = (order: Order) => new Date(order.created_at)
    const fits = (order: Order) =>
      (filter.customer_reference === undefined || order.customer_reference === filter.customer_reference) &&
      (filter.status === undefined || statusOf(order, now) === filter.status) &&
      (filter['created_at.gt'] === undefined || created(order) > filter['created_at.gt']) &&
      (filter['created_at.lt'] === undefined || created(order) < filter['created_at.lt'])
    const rows = listed(res, clock, store.orders().filter(fits).toReversed(), (order) => order.created_at)
    res.json(
      page(
        req,
        rows.map((order) => present(order, now)),
      ),
    )
  })

  router.get('/number_orders/:id', (req, res) => {
    res.json({ data: present(orderAt(req.params.id), clock.now()) })
  })

  router.patch('/number_orders/:id', (req, res) => {
    const order = orderAt(req.params.id)
    Object.assign(order, AmendOrder.parse(req.body), { updated_at: clock.now().toISOString() })
    res.json({ data: present(order, clock.now()) })
  })

  return router
}

/** Pending until it settles; a success once any of its numbers is ours. */
export function statusOf({ settles_at, items }: Order, now: Date): 'pending' | 'success' | 'failure' {
  if (now < new Date(settles_at)) return 'pending'
  return items.some(({ outcome }) => outcome === 'success') ? 'success' : 'failure'
}

function present(order: Order, now: Date) {
  const { items, settles_at, ...rest } = order
  const settled = now >= new Date(settles_at)
  return {
    record_type: 'number_order',
    ...rest,
    status: statusOf(order, now),
    requirements_met: true,
    phone_numbers_count: items.length,
    phone_numbers: items.map(({ id, phone_number, outcome }) => ({
      id,
      record_type: 'number_order_phone_number',
      phone_number,
      country_code: 'US',
      regulatory_requirements: [],
      requirements_met: true,
      status: settled ? outcome : 'pending',
    })),
  }
}
