import { createHash, randomUUID } from 'node:crypto'
import { Problem, withTransaction } from '@convos/kit'
import {
  capFreesInMs,
  findMessage,
  insertText,
  lockNumber,
  recordSending,
  type SmsRow,
  type SmsState,
  withdrawText,
} from '../db/sms.ts'
import { isKind, ProviderError } from '../infra/errors.ts'
import { RATE_LIMIT_DEFAULT_WAIT } from '../limits.ts'
import type { PublicContext, PublicSettings, TextSender } from './context.ts'

type Sending = Pick<PublicContext, 'db' | 'log'> & { texts: TextSender; settings: Pick<PublicSettings, 'smsPerDay'> }

export interface WantedText {
  instanceId: string
  to: string
  text: string
  /** The same key is the same text, sent once. */
  key: string | null
}

/** Telnyx's words for a text that did not arrive. */
const FAILED = ['cancelled', 'expired', 'sending_failed', 'delivery_failed']
/** What is known of a text that Telnyx has taken. */
export const stateOfStatus = (status: string): SmsState & ('sent' | 'failed') => (FAILED.includes(status) ? 'failed' : 'sent')

/** Sends a text from the instance's number, at most once: written before the call, and never sent again when the answer is lost. */
export async function sendText(parts: Sending, wanted: WantedText): Promise<{ message: SmsRow; repeated: boolean }> {
  const { message, repeated } = await reserve(parts, wanted)
  return { message: repeated ? message : await handOver(parts, message, wanted.instanceId), repeated }
}

/** Counts and writes the text down, one of an instance's after the other. */
async function reserve({ db, settings: { smsPerDay: perDay } }: Sending, { instanceId, to, text, key }: WantedText) {
  const id = key === null ? randomUUID() : idOfKey(instanceId, key)
  const reserved = await withTransaction(db, async (tx) => {
    const from = await lockNumber(tx, instanceId)
    const known = key === null ? null : await findMessage(tx, { instanceId, id })
    if (known) return { message: known, repeated: true }
    if (from === null)
      throw new Problem({ status: 409, code: 'NO_NUMBER', detail: 'the instance has no number of ours to text with' })
    return { message: await insertText(tx, { id, instanceId, from, to, text, perDay }), repeated: false }
  })
  const { message, repeated } = reserved
  if (!message) throw await capReached(db, instanceId, perDay)
  if (message.to !== to || message.text !== text)
    throw new Problem({ status: 409, code: 'IDEMPOTENCY_CONFLICT', detail: 'this Idempotency-Key was used for another text' })
  return { message, repeated }
}

async function handOver({ db, log, texts }: Sending, message: SmsRow, instanceId: string): Promise<SmsRow> {
  const { id, from, to, text } = message
  const record = async (state: 'sent' | 'failed' | 'unknown', providerId: string | null) =>
    (await recordSending(db, { id, state, providerId })) ?? (await findMessage(db, { instanceId, id })) ?? { ...message, state }
  try {
    const { providerId, state } = await texts.send({ from, to, text })
    return await record(stateOfStatus(state), providerId)
  } catch (err) {
    if (!(err instanceof ProviderError)) throw err
    log.warn({ err, instanceId, messageId: id }, err.uncertain ? 'whether a text went is not known' : 'a text was not sent')
    if (err.uncertain) return await record('unknown', null)
    if (isKind(err, 'permanent', 'not_found', 'conflict')) {
      await record('failed', null)
      throw new Problem({ status: 422, code: 'SMS_REJECTED', detail: 'the provider does not send this text', cause: err })
    }
    await withdrawText(db, id)
    throw new Problem({
      status: 503,
      code: 'SMS_UNAVAILABLE',
      detail: 'no text can be sent now; nothing was sent',
      headers: retryAfter(err.retryAfterMs ?? RATE_LIMIT_DEFAULT_WAIT),
      cause: err,
    })
  }
}

const capReached = async (db: Sending['db'], instanceId: string, perDay: number) =>
  new Problem({
    status: 429,
    code: 'SMS_CAP',
    detail: `an instance sends ${perDay} texts a day`,
    headers: retryAfter(await capFreesInMs(db, { instanceId, perDay })),
  })

const retryAfter = (ms: number) => ({ 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) })

/** A UUID (version 8) that only this key of this instance has. */
function idOfKey(instanceId: string, key: string): string {
  const bytes = createHash('sha256').update(`${instanceId} ${key}`).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
