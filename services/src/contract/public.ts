import { z } from 'zod'

/** `GET /tools/:instanceId`, for the instance itself: the tools it has, and those it may still get. */
export const OwnTools = z.object({
  tools: z.array(
    z.object({
      toolId: z.string(),
      name: z.string(),
      resourceId: z.string().nullable(),
      /** `none` while it has none of this kind. */
      state: z.string(),
      /** May it provision one for itself now? */
      allowed: z.boolean(),
      config: z.record(z.string(), z.unknown()),
    }),
  ),
})
export type OwnTools = z.infer<typeof OwnTools>

/** `GET /credits/:instanceId`: what its model key may still spend, in USD; null where there is no limit or no key. */
export const Credits = z.object({
  limit: z.number().nullable(),
  remaining: z.number().nullable(),
  used: z.number().nullable(),
  reset: z.string().nullable(),
  /** `key_limit`: its own limit is used up; `account_empty`: nobody's key works now; null: neither. */
  exhausted: z.enum(['key_limit', 'account_empty']).nullable(),
  at: z.string().nullable(),
})
export type Credits = z.infer<typeof Credits>

/** `POST /tools/:instanceId/sms/messages` */
export const SendSmsRequest = z.strictObject({
  to: z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be a number in E.164 form, e.g. +13125550123'),
  text: z.string().min(1).max(1600),
})

export const SmsMessage = z.object({
  id: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  from: z.string(),
  to: z.string(),
  text: z.string(),
  /** received | sending | sent | failed | unknown */
  state: z.string(),
  at: z.string(),
})
export type SmsMessage = z.infer<typeof SmsMessage>

/** `GET /tools/:instanceId/sms/messages?after=&limit=`: oldest first, after the message of that id. */
export const SmsQuery = z.object({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
})
export const SmsMessages = z.object({ messages: z.array(SmsMessage) })
