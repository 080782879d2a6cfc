import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'
import { without } from '../core/without.ts'
import { noSuchAssociation, notFound } from './errors.ts'
import type { OwnedNumber } from './model.ts'
import { filtersOf, page } from './query.ts'
import type { TelnyxStore } from './store.ts'

const TOLL_FREE = /^\+18(?:00|33|44|55|66|77|88)/

const ListFilter = z.strictObject({
  tag: z.string().optional(),
  without_tags: z.enum(['true', 'false']).optional(),
  /** At least three digits, anywhere in the number. */
  phone_number: z
    .string()
    .transform((text) => text.replace(/\D/g, ''))
    .pipe(z.string().min(3))
    .optional(),
  status: z.string().optional(),
  customer_reference: z.string().optional(),
})

/** The messaging profile is not among these: it is set through the messaging settings. */
const UpdateNumber = z.object({
  tags: z.array(z.string()).optional(),
  customer_reference: z.string().optional(),
  connection_id: z.string().optional(),
  billing_group_id: z.string().optional(),
})

/** Absent or `null` keeps the profile, the empty string takes it away. */
const UpdateMessaging = z.object({ messaging_profile_id: z.string().nullish(), tags: z.array(z.string()).optional() })
const MessagingFilter = z.strictObject({ messaging_profile_id: z.string().optional(), phone_number: z.string().optional() })

/** The numbers that we own, and which messaging profile each belongs to. */
export function numberRoutes({ store, clock }: { store: TelnyxStore; clock: SimClock }): Router {
  const router = Router()
  const visible = () =>
    store
      .numbers()
      .filter((number) => isListed(number, clock.now()))
      .toReversed()
  const numberAt = (id: string) => {
    const number = visible().find((each) => each.id === id)
    if (!number) throw notFound()
    return number
  }
  const show = (number: OwnedNumber) => ({
    ...present(number, clock.now()),
    messaging_profile_name: store.profile(number.messaging_profile_id)?.name ?? null,
  })
  const change = (number: OwnedNumber, changes: Partial<OwnedNumber>) =>
    Object.assign(number, changes, { updated_at: clock.now().toISOString() })

  router.get('/phone_numbers', (req, res) => {
    const filter = ListFilter.parse(filtersOf(req))
    const fits = (number: OwnedNumber) =>
      (filter.tag === undefined || number.tags.includes(filter.tag)) &&
      (filter.without_tags !== 'true' || number.tags.length === 0) &&
      (filter.phone_number === undefined || number.phone_number.includes(filter.phone_number)) &&
      (filter.status === undefined || statusOf(number, clock.now()) === filter.status) &&
      (filter.customer_reference === undefined || number.customer_reference === filter.customer_reference)
    res.json(page(req, listed(res, clock, visible().filter(fits), (number) => number.created_at).map(show)))
  })

  router.get('/phone_numbers/messaging', (req, res) => {
    const filter = MessagingFilter.parse(filtersOf(req))
    const fits = (number: OwnedNumber) =>
      (filter.messaging_profile_id === undefined || number.messaging_profile_id === filter.messaging_profile_id) &&
      (filter.phone_number === undefined || number.phone_number === filter.phone_number)
    res.json(page(req, visible().filter(fits).map(presentMessaging)))
  })

  router.get('/phone_numbers/:id', (req, res) => {
    res.json({ data: show(numberAt(req.params.id)) })
  })

  router.patch('/phone_numbers/:id', (req, res) => {
    const number = numberAt(req.params.id)
    const changes = Object.entries(UpdateNumber.parse(req.body)).filter(([, value]) => value !== undefined)
    change(number, Object.fromEntries(changes))
    res.json({ data: show(number) })
  })

  router.delete('/phone_numbers/:id', (req, res) => {
    const number = numberAt(req.params.id)
    store.release(number)
    res.json({ data: { ...show(number), status: 'deleted' } })
  })

  router.get('/phone_numbers/:id/messaging', (req, res) => {
    res.json({ data: presentMessaging(numberAt(req.params.id)) })
  })

  router.patch('/phone_numbers/:id/messaging', (req, res) => {
    const number = numberAt(req.params.id)
    const { messaging_profile_id: profile, tags = number.tags } = UpdateMessaging.parse(req.body)
    if (profile && !store.profile(profile)) throw noSuchAssociation('messaging_profile_id')
    change(number, { tags, messaging_profile_id: profile === '' ? null : (profile ?? number.messaging_profile_id) })
    res.json({ data: presentMessaging(number) })
  })

  router.get('/messaging_profiles/:id/phone_numbers', (req, res) => {
    if (!store.profile(req.params.id)) throw notFound()
    res.json(
      page(
        req,
        visible()
          .filter((number) => number.messaging_profile_id === req.params.id)
          .map(presentMessaging),
      ),
    )
  })

  return router
}

const isListed = ({ listed_at }: OwnedNumber, now: Date) => now >= new Date(listed_at)

export function statusOf({ active_at }: OwnedNumber, now: Date): 'active' | 'purchase-pending' {
  return now >= new Date(active_at) ? 'active' : 'purchase-pending'
}

function present(number: OwnedNumber, now: Date) {
  return {
    record_type: 'phone_number',
    ...without(number, 'active_at', 'listed_at'),
    status: statusOf(number, now),
    country_iso_alpha2: 'US',
    phone_number_type: TOLL_FREE.test(number.phone_number) ? 'toll_free' : 'local',
    purchased_at: number.created_at,
    external_pin: null,
    deletion_lock_enabled: false,
    source_type: 'number_order',
  }
}

function presentMessaging({ id, phone_number, messaging_profile_id, tags, created_at, updated_at }: OwnedNumber) {
  return {
    record_type: 'messaging_settings',
    id,
    phone_number,
    messaging_profile_id,
    organization_id: null,
    country_code: 'US',
    type: TOLL_FREE.test(phone_number) ? 'tollfree' : 'longcode',
    messaging_product: 'A2P',
    eligible_messaging_products: ['A2P'],
    features: { sms: { domestic_two_way: true, international_inbound: true, international_outbound: true }, mms: null },
    tags,
    created_at,
    updated_at,
  }
}
