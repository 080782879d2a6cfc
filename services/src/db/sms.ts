import type { Queryable, Transaction } from '@convos/kit'

export type SmsState = 'received' | 'sending' | 'sent' | 'failed' | 'unknown'

export interface SmsRow {
  id: string
  direction: 'inbound' | 'outbound'
  from: string
  to: string
  text: string
  state: SmsState
  at: Date
}

/**
 * The number of ours that an instance texts with, locked until the transaction ends; null when it has none. Whoever writes one of its messages
 * holds it, so that they are counted one after the other, and none gets in before one that was read already.
 */
export async function lockNumber(tx: Transaction, instanceId: string): Promise<string | null> {
  const { rows } = await tx.query<{ number: string | null }>({
    name: 'lock_number',
    values: [instanceId],
    text: `
      select config ->> 'phoneNumber' as number from instance_services
      where instance_id = $1 and tool_id = 'sms' and kind = 'number' and state = 'active' for no key update`,
  })
  return rows[0]?.number ?? null
}

/** A message of the instance's own. */
export async function findMessage(db: Queryable, p: { instanceId: string; id: string }): Promise<SmsRow | null> {
  const { rows } = await db.query<SmsRow>({
    name: 'find_message',
    values: [p.instanceId, p.id],
    text: `
      select id, direction, from_number as "from", to_number as "to", body as text, state, at
      from sms_messages where instance_id = $1 and id = $2`,
  })
  return rows[0] ?? null
}

/** The instance's messages after that one, oldest first; all that are kept when it is none of them, or is forgotten already. */
export async function readMessages(
  db: Queryable,
  p: { instanceId: string; after: string | null; limit: number },
): Promise<SmsRow[]> {
  const { rows } = await db.query<SmsRow>({
    name: 'read_messages',
    values: [p.instanceId, p.after, p.limit],
    text: `
      select m.id, m.direction, m.from_number as "from", m.to_number as "to", m.body as text, m.state, m.at
      from sms_messages m left join sms_messages a on a.id = $2 and a.instance_id = $1
      where m.instance_id = $1 and (a.id is null or (m.at, m.id) > (a.at, a.id))
      order by m.at, m.id limit $3`,
  })
  return rows
}

export interface NewText {
  id: string
  instanceId: string
  from: string
  to: string
  text: string
  perDay: number
}

/** Writes a text down that is about to be sent; null when the instance has sent its share within a day. */
export async function insertText(tx: Transaction, p: NewText): Promise<SmsRow | null> {
  const { rows } = await tx.query<SmsRow>({
    name: 'insert_text',
    values: [p.id, p.instanceId, p.from, p.to, p.text, p.perDay],
    text: `
      insert into sms_messages (id, instance_id, direction, from_number, to_number, body, state)
      select $1, $2, 'outbound', $3, $4, $5, 'sending'
      where (
        select count(*) from sms_messages
        where instance_id = $2 and direction = 'outbound' and at > clock_now() - interval '1 day') < $6
      returning id, direction, from_number as "from", to_number as "to", body as text, state, at`,
  })
  return rows[0] ?? null
}

/** How long until one of the instance's texts no longer counts as of this day. */
export async function capFreesInMs(db: Queryable, p: { instanceId: string; perDay: number }): Promise<number> {
  const { rows } = await db.query<{ ms: number }>({
    name: 'cap_frees_in_ms',
    values: [p.instanceId, p.perDay],
    text: `
      select (extract(epoch from at + interval '1 day' - clock_now()) * 1000)::int as ms from sms_messages
      where instance_id = $1 and direction = 'outbound' order by at desc offset greatest($2, 1) - 1 limit 1`,
  })
  return rows[0]?.ms ?? 0
}

/** What became of a text that was being sent; null when an event told before. */
export async function recordSending(
  db: Queryable,
  p: { id: string; state: 'sent' | 'failed' | 'unknown'; providerId: string | null },
): Promise<SmsRow | null> {
  const { rows } = await db.query<SmsRow>({
    name: 'record_sending',
    values: [p.id, p.state, p.providerId],
    text: `
      update sms_messages set state = $2, provider_id = $3 where id = $1 and state = 'sending'
      returning id, direction, from_number as "from", to_number as "to", body as text, state, at`,
  })
  return rows[0] ?? null
}

/** It was not even tried: as if it had never been asked for. */
export async function withdrawText(db: Queryable, id: string): Promise<void> {
  await db.query({
    name: 'withdraw_text',
    values: [id],
    text: `delete from sms_messages where id = $1 and state = 'sending' and provider_id is null`,
  })
}

export interface Delivery {
  providerId: string
  from: string
  to: string
  text: string
  state: 'sent' | 'failed'
}

/** What an event says of a text that is known by the provider's id; events come in any order, and a failure is final. */
export async function recordDelivery(db: Queryable, { providerId, state }: Delivery): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'record_delivery',
    values: [providerId, state],
    text: `
      update sms_messages set state = case when state = 'failed' then state else $2 end
      where provider_id = $1 and direction = 'outbound'`,
  })
  return rowCount === 1
}

/**
 * What an event says of a text whose id at the provider is not known: the answer is not there yet, or was lost. Only one that can be
 * no other is taken for it.
 */
export async function adoptDelivery(db: Queryable, p: Delivery): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'adopt_delivery',
    values: [p.providerId, p.from, p.to, p.text, p.state],
    text: `
      with meant as (
        select min(id::text)::uuid as id from sms_messages
        where direction = 'outbound' and provider_id is null and state in ('sending', 'unknown')
          and to_number = $3 and body = $4 and from_number = $2 and instance_id = (
            select instance_id from instance_services
            where tool_id = 'sms' and kind = 'number' and state = 'active' and resource_id is not null
              and config ->> 'phoneNumber' = $2 limit 1)
        having count(*) = 1)
      update sms_messages m set provider_id = $1, state = $5
      from meant where m.id = meant.id and m.provider_id is null and m.state in ('sending', 'unknown')`,
  })
  return rowCount === 1
}

export interface InboundText {
  providerId: string
  from: string
  to: string
  text: string
  /** Null: the provider does not tell. */
  receivedAt: Date | null
}

/** Keeps a text for whoever has the number, and had it when it came, once however often it is reported; null when nobody has. */
export async function insertInbound(db: Queryable, p: InboundText): Promise<{ instanceId: string; stored: boolean } | null> {
  const { rows } = await db.query<{ instanceId: string; stored: boolean }>({
    name: 'insert_inbound',
    values: [p.providerId, p.to, p.from, p.text, p.receivedAt],
    text: `
      with owner as (
        select instance_id from instance_services
        where tool_id = 'sms' and kind = 'number' and state = 'active' and resource_id is not null
          and config ->> 'phoneNumber' = $2
          -- given back and sold again, it may still be told what came to its last owner
          and ($5::timestamptz is null or last_call_ended_at is null or last_call_ended_at <= $5)
        limit 1 for no key update),
      stored as (
        insert into sms_messages (provider_id, instance_id, direction, from_number, to_number, body, state)
        select $1, instance_id, 'inbound', $3, $2, $4, 'received' from owner
        on conflict (provider_id) do nothing returning id)
      select instance_id as "instanceId", exists (select from stored) as stored from owner`,
  })
  return rows[0] ?? null
}

/** Forgets what is older than `keepMs`, so many at a time; how many there were. */
export async function pruneSms(db: Queryable, p: { keepMs: number; batch: number }): Promise<number> {
  const { rowCount } = await db.query({
    name: 'prune_sms',
    values: [p.keepMs, p.batch],
    text: `
      delete from sms_messages where id in (
        select id from sms_messages where at < (select clock_now() - $1::float8 * interval '1 ms') order by at limit $2)`,
  })
  return rowCount ?? 0
}
