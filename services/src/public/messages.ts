import { endpoint, type Endpoint, parseRequest, Problem } from '@convos/kit'
import { z } from 'zod'
import { InstanceId, SendSmsRequest, SmsMessage, SmsMessages, SmsQuery } from '../contract/index.ts'
import { readMessages, type SmsRow } from '../db/sms.ts'
import type { PublicAuth, PublicContext, PublicDeps } from './context.ts'
import { sendText } from './send.ts'

const Itself = z.object({ instanceId: InstanceId })
const IdempotencyKey = z.string().min(1).max(128).nullable()
// what the database would refuse, or keep as something else: a repeat would not be the same text
const Text = SendSmsRequest.refine(({ text }) => text.isWellFormed() && !text.includes('\0'), {
  path: ['text'],
  message: 'must hold neither a NUL nor half a character',
})

/** Texts of the number that we provide: an instance has no credentials for it. */
export const messageEndpoints = (ctx: PublicContext, { settings, texts }: PublicDeps): Endpoint<PublicAuth>[] => [
  endpoint({
    method: 'post',
    path: '/tools/:instanceId/sms/messages',
    operationId: 'sendSms',
    summary: "Sends a text from the calling instance's number; 200 when its Idempotency-Key was used before",
    auth: 'instance',
    params: Itself,
    body: Text,
    replies: { 200: SmsMessage, 201: SmsMessage },
    async handle({ params: { instanceId }, body: { to, text }, req }) {
      if (!texts) throw new Problem({ status: 409, code: 'TOOL_UNAVAILABLE', detail: 'no texts can be sent here' })
      const key = parseRequest(IdempotencyKey, req.get('idempotency-key') ?? null)
      const { message, repeated } = await sendText({ ...ctx, texts, settings }, { instanceId, to, text, key })
      return { status: repeated ? 200 : 201, body: present(message) }
    },
  }),

  endpoint({
    method: 'get',
    path: '/tools/:instanceId/sms/messages',
    operationId: 'listSms',
    summary: 'The texts of the calling instance, oldest first',
    auth: 'instance',
    params: Itself,
    query: SmsQuery,
    replies: { 200: SmsMessages },
    async handle({ params: { instanceId }, query: { after = null, limit } }) {
      const rows = await readMessages(ctx.db, { instanceId, after, limit })
      return { status: 200, body: { messages: rows.map(present) } }
    },
  }),
]

const present = ({ at, ...message }: SmsRow): SmsMessage => ({ ...message, at: at.toISOString() })
