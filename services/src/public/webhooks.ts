import { endpoint, type Endpoint, parseRequest } from '@convos/kit'
import { z } from 'zod'
import { adoptDelivery, insertInbound, recordDelivery } from '../db/sms.ts'
import type { PublicAuth, PublicContext } from './context.ts'
import { stateOfStatus } from './send.ts'

export const TELNYX_WEBHOOK = '/webhooks/telnyx'

/** What the database can hold. */
const Word = z
  .string()
  .min(1)
  .max(128)
  .refine((word) => !word.includes('\0'), 'must not hold a NUL')
const Message = z.object({
  id: Word,
  from: z.object({ phone_number: Word }),
  to: z.array(z.object({ phone_number: Word, status: z.string().optional() })).min(1),
  text: z
    .string()
    .nullish()
    .transform((text) => (text ?? '').replaceAll('\0', '')),
  received_at: z.coerce.date().nullish().catch(null),
})
type Message = z.infer<typeof Message>

const Event = z.object({ data: z.object({ event_type: z.string(), payload: z.unknown() }) })
const SignedEvent = z
  .instanceof(Buffer)
  .transform((body, ctx): unknown => {
    try {
      return JSON.parse(body.toString('utf8'))
    } catch {
      ctx.addIssue({ code: 'custom', message: 'must be JSON' })
      return z.NEVER
    }
  })
  .pipe(Event)

/** What Telnyx reports. It asks again after a 5xx, so that is for what may work later; what cannot be understood never will. */
export const webhookEndpoints = (ctx: PublicContext): Endpoint<PublicAuth>[] => [
  endpoint({
    method: 'post',
    path: TELNYX_WEBHOOK,
    operationId: 'receiveTelnyxEvent',
    summary: 'Takes an event of a text; others are taken note of',
    auth: 'signed',
    body: SignedEvent,
    replies: { 200: z.object({ ok: z.boolean() }) },
    async handle({ body: { data } }) {
      if (data.event_type === 'message.received') await receive(ctx, parseRequest(Message, data.payload))
      if (data.event_type === 'message.sent' || data.event_type === 'message.finalized')
        await follow(ctx, parseRequest(Message, data.payload))
      return { status: 200, body: { ok: true } }
    },
  }),
]

async function receive({ db, log }: PublicContext, message: Message): Promise<void> {
  const text = { providerId: message.id, ...ends(message), text: message.text, receivedAt: message.received_at ?? null }
  const kept = await insertInbound(db, text)
  // a number of ours that nobody has, or had when it came: released a moment ago, or never written down
  if (!kept) log.warn({ providerId: message.id, to: text.to }, 'a text came for a number that no instance has')
}

/** What became of a text that was sent. */
async function follow({ db }: PublicContext, message: Message): Promise<void> {
  const state = stateOfStatus(message.to[0]?.status ?? '')
  const delivery = { providerId: message.id, ...ends(message), text: message.text, state }
  if (!(await recordDelivery(db, delivery))) await adoptDelivery(db, delivery)
}

const ends = ({ from, to }: Message) => ({ from: from.phone_number, to: to[0]?.phone_number ?? '' })
