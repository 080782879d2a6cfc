import { randomUUID } from 'node:crypto'
import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { invalidSender, noContent, notFound } from './errors.ts'
import { E164, type Message, ORGANIZATION_ID, type Profile } from './model.ts'
import { statusOf } from './numbers.ts'
import type { TelnyxStore } from './store.ts'
import type { Webhooks } from './webhooks.ts'

const SendMessage = z.object({
  from: z.string().optional(),
  to: E164,
  text: z.string().default(''),
  media_urls: z.array(z.url()).default([]),
  webhook_url: z.url().nullish(),
  webhook_failover_url: z.url().nullish(),
})
type SendMessage = z.infer<typeof SendMessage>

export const InboundMessage = z.strictObject({ from: E164, to: E164, text: z.string() })

interface Parts {
  store: TelnyxStore
  clock: SimClock
  webhooks: Webhooks
}

export type Traffic = ReturnType<typeof createTraffic>

/** Texts between our numbers and the world. */
export function createTraffic({ store, clock, webhooks }: Parts) {
  /** The profile that a number of ours texts through; `undefined` when it cannot. */
  function profileOf(phoneNumber: string): Profile | undefined {
    const number = store.numberOf(phoneNumber)
    return number && statusOf(number, clock.now()) === 'active' ? store.profile(number.messaging_profile_id) : undefined
  }

  /** Brings a text to a number of ours, which its owner learns by webhook; `undefined` when the number takes none. */
  function receive({ from, to, text }: z.infer<typeof InboundMessage>): Message | undefined {
    const profile = profileOf(to)
    if (!profile) return undefined
    const message: Message = {
      ...envelope(profile, text, clock.now()),
      direction: 'inbound',
      type: 'SMS',
      from: { phone_number: from, carrier: 'T-Mobile USA', line_type: 'Wireless', status: 'received' },
      to: [{ phone_number: to, carrier: 'Telnyx', line_type: 'Wireless', status: 'webhook_delivered' }],
      media: [],
    }
    store.addMessage(message)
    void webhooks.send(message, 'message.received', message)
    return message
  }

  function send(body: SendMessage): Message {
    const profile = profileOf(body.from ?? '')
    if (!profile || body.from === undefined) throw invalidSender()
    if (body.text === '' && body.media_urls.length === 0) throw noContent()
    const common = envelope(profile, body.text, clock.now())
    const message: Message = {
      ...common,
      direction: 'outbound',
      type: body.media_urls.length > 0 ? 'MMS' : 'SMS',
      from: { phone_number: body.from, carrier: 'Telnyx', line_type: 'Wireless' },
      to: [{ phone_number: body.to, carrier: 'T-Mobile USA', line_type: 'Wireless', status: 'queued' }],
      media: body.media_urls.map((url) => ({ url })),
      webhook_url: body.webhook_url ?? common.webhook_url,
      webhook_failover_url: body.webhook_failover_url ?? common.webhook_failover_url,
      cost: { amount: '0.0040', currency: 'USD' },
    }
    store.addMessage(message)
    const asQueued = structuredClone(message)
    void carry(message)
    return asQueued
  }

  async function carry(message: Message): Promise<void> {
    const [to] = message.to
    if (!to) return
    const reached = (status: string, times: Partial<Message>) => Object.assign(message, { to: [{ ...to, status }] }, times)
    const at = clock.now().toISOString()
    const sent = structuredClone(reached('sent', { sent_at: at }))
    const finalized = structuredClone(reached('delivered', { completed_at: at }))
    receive({ from: message.from.phone_number, to: to.phone_number, text: message.text })
    await webhooks.send(message, 'message.sent', sent)
    await webhooks.send(message, 'message.finalized', finalized)
  }

  return { receive, send }
}

export function messageRoutes(store: TelnyxStore, traffic: Traffic): Router {
  const router = Router()
  router.post('/messages', (req, res) => {
    res.json({ data: traffic.send(SendMessage.parse(req.body)) })
  })
  router.get('/messages/:id', (req, res) => {
    const message = store.message(req.params.id)
    if (!message) throw notFound()
    res.json({ data: message })
  })
  return router
}

function envelope(profile: Profile, text: string, now: Date) {
  const { webhook_url, webhook_failover_url } = profile
  return {
    record_type: 'message' as const,
    id: randomUUID(),
    messaging_profile_id: profile.id,
    organization_id: ORGANIZATION_ID,
    cc: [],
    text,
    webhook_url,
    webhook_failover_url,
    ...segments(text),
    tags: [],
    cost: null,
    received_at: now.toISOString(),
    sent_at: null,
    completed_at: null,
    valid_until: null,
    errors: [],
  }
}

/** How many text messages it takes: a longer text loses some room in each part. */
function segments(text: string): Pick<Message, 'encoding' | 'parts'> {
  const encoding = /^[\n\r\x20-\x5b\x5d\x5f\x61-\x7a]*$/.test(text) ? 'GSM-7' : 'UCS-2'
  const [whole, part] = encoding === 'GSM-7' ? [160, 153] : [70, 67]
  return { encoding, parts: text.length <= whole ? 1 : Math.ceil(text.length / part) }
}
