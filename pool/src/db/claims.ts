import type { Queryable } from '@convos/kit'
import type { ToolState } from '@convos/services/contract'
import type { ClaimStatus } from '../contract/index.ts'
import { CLAIM_EVENTS } from './events.ts'

export type ClaimMode = 'create' | 'join'

/** Why a claim failed, as its caller is answered. */
export interface ClaimError {
  status: number
  code: string
  detail: string
}

/** A claim as it stands now, by the database's clock. */
export interface ClaimRow {
  id: string
  principal: string
  body_hmac: string
  mode: ClaimMode
  agent_name: string
  template_id: string | null
  state: ClaimStatus
  instance_id: string | null
  tainted: number
  conversation_id: string | null
  invite_url: string | null
  joined: boolean
  error: ClaimError | null
  wait_until: Date
  deadline: Date | null
  created_at: Date
  reserved_at: Date | null
  configured_at: Date | null
  finished_at: Date | null
  tools: ToolState[] | null
  /** It has tools to be made before its box is configured. */
  has_tools: boolean
  tools_at: Date | null
  now: Date
}

const VIEW = `
  c.id, c.principal, c.body_hmac, c.mode, c.agent_name, c.template_id, c.state, c.instance_id, c.tainted, c.conversation_id,
  c.invite_url,
  c.joined, c.error, c.wait_until, c.deadline, c.created_at, c.reserved_at, c.configured_at, c.finished_at, i.tools,
  c.has_tools, c.tools_at, clock_now() as now`

export interface NewClaim {
  id: string
  principal: string
  idemKey: string | null
  bodyHmac: string
  joinHash: string | null
  mode: ClaimMode
  agentName: string
  waitMs: number
  leaseMs: number
  requestId: string | null
  hasTools?: boolean
  owner?: ClaimOwner | null
  /** When its agent ends by itself. */
  expiresAt?: Date | null
}

/** Whose agent it is: by signature, by label, or both. */
export interface ClaimOwner {
  address: string | null
  inboxId: string | null
  /** Of the signature; no two live claims have the same. */
  nonce: string | null
  nonceExpiresAt: Date | null
}

/** Enters the queue; false when a live claim with this key, this nonce, or this invite and body, is there already. */
export async function insertClaim(db: Queryable, p: NewClaim): Promise<boolean> {
  const { owner = null } = p
  const { rowCount } = await db.query({
    name: 'insert_claim',
    values: [
      p.id,
      p.principal,
      p.idemKey,
      p.bodyHmac,
      p.joinHash,
      p.mode,
      p.agentName,
      p.waitMs,
      p.leaseMs,
      p.requestId,
      p.hasTools ?? false,
      owner?.address,
      owner?.inboxId,
      owner?.nonce,
      owner?.nonceExpiresAt,
      p.expiresAt,
    ],
    text: `
      with entered as (
        insert into claims (id, principal, idem_key, body_hmac, join_hash, mode, agent_name, wait_until, lease_until, request_id,
          has_tools, owner_address, owner_inbox_id, owner_nonce, owner_nonce_expires_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, clock_now() + $8 * interval '1 ms', clock_now() + $9 * interval '1 ms', $10, $11,
          $12, $13, $14, $15, $16)
        on conflict do nothing
        returning id, principal, request_id
      )
      insert into instance_events (claim_id, type, actor, request_id)
      select id, '${CLAIM_EVENTS.queued}', principal, request_id from entered`,
  })
  return rowCount === 1
}

/** The claim that stands in the way of a new one: by key first, else by invite and body. */
export async function findSameClaim(
  db: Queryable,
  p: { principal: string; idemKey: string | null; joinHashes: readonly string[]; bodyHmacs: readonly string[] },
): Promise<ClaimRow | null> {
  const { rows } = await db.query<ClaimRow>({
    name: 'find_same_claim',
    values: [p.principal, p.idemKey, p.joinHashes, p.bodyHmacs],
    text: `
      select ${VIEW}
      from claims c left join instances i on i.id = c.instance_id
      where c.principal = $1
        and (c.idem_key = $2 or (c.join_hash = any($3) and c.body_hmac = any($4) and c.state <> 'ended'))
      order by c.idem_key is not distinct from $2 desc, c.seq limit 1`,
  })
  return rows[0] ?? null
}

export async function readClaims(db: Queryable, ids: readonly string[]): Promise<ClaimRow[]> {
  const { rows } = await db.query<ClaimRow>({
    name: 'read_claims',
    values: [ids],
    text: `select ${VIEW} from claims c left join instances i on i.id = c.instance_id where c.id = any($1)`,
  })
  return rows
}

/**
 * Who works on claims says so, well before their leases run out; a longer lease stays. One that another statement holds is left to
 * the next time: it is being given a box, and a lease with it, or ended; `reserve` waits for what is held here, and must not be waited for.
 */
export async function renewClaims(db: Queryable, p: { ids: readonly string[]; ms: number }): Promise<void> {
  await db.query({
    name: 'renew_claims',
    values: [p.ids, p.ms],
    text: `
      with held as (
        select id from claims where id = any($1) and state in ('queued', 'running') for no key update skip locked
      )
      update claims c set lease_until = greatest(c.lease_until, clock_now() + $2 * interval '1 ms') from held where c.id = held.id`,
  })
}

/**
 * Ends the given claims' wait, where their time in the queue is over and no instance is ready. One that is ready but held by
 * another statement at this moment is worth another try: nobody is told that the pool is empty while it is not. A claim that is held
 * is being paired, or ended by someone else: it is not waited for, see `reserve`.
 */
export async function expireQueued(db: Queryable, p: { ids: readonly string[]; graceMs: number }): Promise<void> {
  await db.query({
    name: 'expire_queued',
    values: [p.ids, p.graceMs],
    text: `
      with held as (
        select id from claims
        where id = any($1) and state = 'queued' and wait_until <= clock_now()
          and (wait_until <= clock_now() - $2 * interval '1 ms' or not exists (select 1 from instances where status = 'ready'))
        for update skip locked
      ), expired as (
        update claims c set state = 'failed', idem_key = null, join_hash = null, finished_at = clock_now(),
          error = '{"status": 503, "code": "POOL_EMPTY", "detail": "no instance is ready"}'::jsonb
        from held where c.id = held.id
        returning c.id, c.error, c.request_id
      )
      insert into instance_events (claim_id, type, reason, actor, request_id)
      select id, '${CLAIM_EVENTS.failed}', error ->> 'detail', 'pool', request_id from expired`,
  })
}

/** Takes a claim out of the queue; false when it was not (any more) in it. Without a request of its own it is told with the claim's. */
export async function endQueued(
  db: Queryable,
  p: {
    id: string
    state: 'failed' | 'cancelled'
    error: ClaimError | null
    reason: string
    actor: string
    requestId: string | null
  },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'end_queued',
    values: [p.id, p.state, p.error && JSON.stringify(p.error), CLAIM_EVENTS[p.state], p.reason, p.actor, p.requestId],
    text: `
      with gone as (
        update claims set state = $2, idem_key = null, join_hash = null, error = $3::jsonb, finished_at = clock_now()
        where id = $1 and state = 'queued'
        returning id, request_id
      )
      insert into instance_events (claim_id, type, reason, actor, request_id)
      select id, $4, $5, $6, coalesce($7, request_id) from gone`,
  })
  return rowCount === 1
}

export interface QueueFacts {
  waiting: number
  position: number
  starting: number
  /** Age of the creation that is furthest on, ms. */
  oldest_starting_ms: number | null
}

/** What a refill estimate needs; `position` is the claim's place among those who wait, or that of one who came now. */
export async function readQueue(db: Queryable, claimId: string | null): Promise<QueueFacts> {
  const { rows } = await db.query<QueueFacts>({
    name: 'read_queue',
    values: [claimId],
    text: `
      select
        (select count(*)::int from claims where state = 'queued') as waiting,
        (select count(*)::int + case when $1::text is null then 1 else 0 end from claims where state = 'queued'
          and seq <= coalesce((select seq from claims where id = $1), 9223372036854775807)) as position,
        count(*)::int as starting,
        extract(epoch from clock_now() - min(created_at))::float8 * 1000 as oldest_starting_ms
      from instances where status = 'starting'`,
  })
  return rows[0] ?? { waiting: 0, position: 1, starting: 0, oldest_starting_ms: null }
}
