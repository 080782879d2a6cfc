import { randomBytes } from 'node:crypto'
import { z } from 'zod'

export const ORGANIZATION_ID = '9f1b1c7e-3a52-4a8c-8f5e-0d8a6b1c2e3f'

export const E164 = z.string().regex(/^\+[1-9]\d{7,14}$/, 'must be a phone number in +E.164 format')

/** A number that somebody could buy. */
export const StockedNumber = z.object({
  phone_number: z.string(),
  areaCode: z.string(),
  /** Only what a search has shown can be ordered. */
  shown: z.boolean(),
})
export type StockedNumber = z.infer<typeof StockedNumber>

export const Order = z.object({
  id: z.string(),
  items: z.array(z.object({ id: z.string(), phone_number: z.string(), outcome: z.enum(['success', 'failure']) })),
  sub_number_orders_ids: z.array(z.string()),
  customer_reference: z.string().nullable(),
  messaging_profile_id: z.string().nullable(),
  connection_id: z.string().nullable(),
  billing_group_id: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  /** Until then it is pending. */
  settles_at: z.string(),
})
export type Order = z.infer<typeof Order>

/** A number of ours. */
export const OwnedNumber = z.object({
  /** An integer too large for a JavaScript number, and not the id that the order gave it. */
  id: z.string(),
  phone_number: z.string(),
  customer_reference: z.string().nullable(),
  messaging_profile_id: z.string().nullable(),
  connection_id: z.string().nullable(),
  billing_group_id: z.string().nullable(),
  tags: z.array(z.string()),
  created_at: z.string(),
  updated_at: z.string(),
  active_at: z.string(),
  /** Before that nobody finds it, though it is bought. */
  listed_at: z.string(),
})
export type OwnedNumber = z.infer<typeof OwnedNumber>

export const Profile = z.object({
  id: z.string(),
  name: z.string(),
  whitelisted_destinations: z.array(z.string()),
  enabled: z.boolean(),
  webhook_url: z.string().nullable(),
  webhook_failover_url: z.string().nullable(),
  webhook_api_version: z.enum(['1', '2', '2010-04-01']),
  v1_secret: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
})
export type Profile = z.infer<typeof Profile>

const Party = z.object({ phone_number: z.string(), carrier: z.string(), line_type: z.string(), status: z.string().optional() })

/** A text message, in the API's own words. */
export const Message = z.object({
  record_type: z.literal('message'),
  id: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  type: z.enum(['SMS', 'MMS']),
  messaging_profile_id: z.string(),
  organization_id: z.string(),
  from: Party,
  to: z.array(Party),
  cc: z.array(Party),
  text: z.string(),
  media: z.array(z.object({ url: z.string() })),
  webhook_url: z.string().nullable(),
  webhook_failover_url: z.string().nullable(),
  encoding: z.enum(['GSM-7', 'UCS-2']),
  parts: z.number(),
  tags: z.array(z.string()),
  cost: z.object({ amount: z.string(), currency: z.string() }).nullable(),
  received_at: z.string(),
  sent_at: z.string().nullable(),
  completed_at: z.string().nullable(),
  valid_until: z.string().nullable(),
  errors: z.array(z.unknown()),
})
export type Message = z.infer<typeof Message>

/** What tests may change about the account. */
export const Settings = z.object({
  /** So long an order is pending, and its numbers with it. */
  activationMs: z.int().min(0),
  /** So long after its purchase a number is not found by anybody. */
  listedAfterMs: z.int().min(0),
  /** What the second buyer of a number is told: 409 at once, or an order that fails. */
  loser: z.enum(['conflict', 'failure']),
  /** How many numbers each area code has for sale. */
  stock: z.int().min(0),
  requestsPerMinute: z.int().min(0),
})
export type Settings = z.infer<typeof Settings>
export const SettingsChange = z.strictObject(Settings.partial().shape)

/** As large as Telnyx's own: beyond what a JavaScript number can hold. */
export const newNumberId = () => (10n ** 18n + (randomBytes(8).readBigUInt64BE() % (9n * 10n ** 17n))).toString()
