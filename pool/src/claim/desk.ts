import { inSpan, Problem, startLoop, traceparent, withTransaction } from '@convos/kit'
import type { GatewayReply } from '@convos/services/contract'
import type { Context } from '../context.ts'
import {
  type ClaimRow,
  endQueued,
  expireQueued,
  findSameClaim,
  insertClaim,
  type NewClaim,
  readClaims,
  renewClaims,
} from '../db/claims.ts'
import { readEntryFacts } from '../db/nonces.ts'
import type { Reservation } from '../db/reserve.ts'
import { recordClaimOrigin } from '../db/templates.ts'
import { createMatch } from '../match.ts'
import { newClaimId } from '../naming.ts'
import { type Order, placeOrder } from './order.ts'
import { nonceOf, nonceUsed } from './owner.ts'
import { type Draft, fingerprints } from './request.ts'
import { type Job, runClaim } from './run.ts'

export interface Asked {
  principal: string
  idemKey: string | null
  draft: Draft
  requestId: string
}

/** A claim as its caller is answered now; `gateway` only where this replica has just configured it. */
export interface Answer {
  row: ClaimRow
  gateway: GatewayReply | null
}

export type Desk = ReturnType<typeof openDesk>

const STOPPING = { status: 503, code: 'SHUTTING_DOWN', detail: 'this replica is shutting down; claim again' }

const isOver = (row: ClaimRow) => ['done', 'failed', 'cancelled', 'ended'].includes(row.state)

/**
 * Where claims are taken in, waited for and carried out. What is true of a claim stands in its row; this keeps only what may
 * not be stored (the bodies of claims under way) and who is waiting. One look at the rows every 100 ms serves all waiters.
 */
export function openDesk(ctx: Context) {
  const { db, limits, log, meters, signals } = ctx
  const jobs = new Map<string, Job>()
  const waiting = new Map<string, Set<(row: ClaimRow | null) => void>>()
  const running = new Set<Promise<void>>()
  let stopping = false
  let renewedAt = performance.now()

  const match = createMatch(ctx, (reserved) => start(reserved))
  const matchQuietly = () => match().catch((err: unknown) => log.error({ err }, 'matching failed; it is tried again'))
  signals.on('ready', () => void matchQuietly())

  function start(reserved: Reservation): void {
    const job = jobs.get(reserved.claimId)
    if (!job || job.running) return
    job.running = true
    job.runs++
    const run = carryOut(job, reserved).finally(() => running.delete(run))
    running.add(run)
  }

  async function carryOut(job: Job, reserved: Reservation): Promise<void> {
    try {
      await traced(job, reserved, () => runClaim(ctx, job, reserved))
    } catch (err) {
      log.error({ err, claimId: job.claimId }, 'a claim was interrupted; the sweep ends it')
      // how far it came is unknown here: no longer renewed, its lease runs out, and its box is asked
      jobs.delete(job.claimId)
      meters.claimInterrupted()
    }
    job.running = false
    try {
      await look([job.claimId])
    } catch (err) {
      log.error({ err, claimId: job.claimId }, 'a claim could not be looked at; the next look does')
    }
    // back in the queue: for another box, now
    if (jobs.has(job.claimId)) loop.wake()
  }

  /** Who reserved for it may be at work on another claim, or on none: it goes on in its own trace. */
  async function traced(job: Job, { instanceId }: Reservation, work: () => Promise<void>): Promise<void> {
    const of = { parent: job.trace, attributes: { 'convos.claim_id': job.claimId, 'convos.instance_id': instanceId } }
    if (job.runs === 1) await inSpan('claim queued', { ...of, startedAt: job.enteredAt }, async () => {})
    await inSpan('claim run', of, work)
  }

  /** Reads how claims stand, tells who waits for them, and goes on with those that this replica carries out. */
  async function look(ids: string[]): Promise<void> {
    const runs = new Map([...jobs.values()].filter((job) => !job.running).map((job) => [job, job.runs]))
    for (const row of await readClaims(db, ids)) {
      const job = jobs.get(row.id)
      // one that was carried out while the row was read: what was read is from before, and its box may be another's by now
      const isFresh = job && !job.running && runs.get(job) === job.runs
      if (isFresh) {
        if (row.state === 'running' && row.instance_id && row.deadline) {
          const leftMs = row.deadline.getTime() - row.now.getTime()
          start({ claimId: row.id, instanceId: row.instance_id, mode: row.mode, tainted: row.tainted, leftMs })
        } else if (row.state !== 'queued') {
          jobs.delete(row.id)
          meters.claimLeft(row)
        }
      }
      for (const tell of waiting.get(row.id) ?? []) tell(row)
    }
  }

  const loop = startLoop({
    name: 'claims',
    everyMs: limits.claimPollMs,
    clock: ctx.clock,
    log,
    async pass() {
      // chosen before the match: a claim that came in after it has not had its chance
      const queued = [...jobs.values()].filter((job) => job.entered && !job.running).map((job) => job.claimId)
      if (queued.length > 0) {
        await match()
        await expireQueued(db, { ids: queued, graceMs: limits.queueGraceMs })
      }
      const ids = [...new Set([...jobs.keys(), ...waiting.keys()])]
      if (ids.length > 0) await look(ids)
      if (jobs.size > 0 && performance.now() - renewedAt >= limits.leaseRenewMs) {
        renewedAt = performance.now()
        await renewClaims(db, { ids: [...jobs.keys()], ms: limits.queueLeaseMs })
      }
    },
  })

  /** Until when a caller is kept waiting; in the queue a little longer, for a replica that is late to end the wait. */
  const waitsUntil = (row: ClaimRow) => row.deadline?.getTime() ?? row.wait_until.getTime() + 2 * limits.queueGraceMs

  /** The next sight of a claim; null when this replica stops. */
  function nextSight(id: string): Promise<ClaimRow | null> {
    return new Promise((resolve) => {
      const waiters = waiting.get(id) ?? new Set()
      waiting.set(id, waiters)
      const tell = (row: ClaimRow | null) => {
        waiters.delete(tell)
        if (waiters.size === 0) waiting.delete(id)
        resolve(row)
      }
      waiters.add(tell)
    })
  }

  /** Puts a new claim into the queue, or finds the one that it repeats. */
  async function enter(asked: Asked): Promise<{ job: Job } | { same: ClaimRow }> {
    const { principal, idemKey, draft, requestId } = asked
    const { bodies, joins } = fingerprints(draft, ctx.secrets)
    const [bodyHmac = ''] = bodies
    let order: Order | null = null
    // what stood in the way may be released before it is looked at: then there is room now
    for (let attempt = 0; attempt < 5; attempt++) {
      // read first: if it is the claim that this one repeats that has the nonce, that claim is found below
      const facts = await readEntryFacts(db, draft.signed && nonceOf(draft.signed))
      const same = await findSameClaim(db, { principal, idemKey, joinHashes: joins, bodyHmacs: bodies })
      if (same) {
        if (!bodies.includes(same.body_hmac))
          throw new Problem({ status: 409, code: 'IDEMPOTENCY_CONFLICT', detail: 'this key was used for another claim' })
        return { same }
      }
      // by another claim, while this one was on its way in
      if (order && facts.nonceTaken) throw nonceUsed()
      // a repeat is the same claim whatever has become of its template since; only a new one is looked at
      order ??= await placeOrder(ctx, draft, { principal, requestId, facts })
      const job: Job = {
        claimId: newClaimId(),
        principal,
        requestId,
        order,
        abandoned: false,
        gateway: null,
        entered: false,
        running: false,
        runs: 0,
        trace: traceparent(),
        enteredAt: ctx.clock.now(),
      }
      // known before it can be matched, forgotten if it does not get in
      jobs.set(job.claimId, job)
      try {
        const keys = { id: job.claimId, principal, idemKey, bodyHmac, joinHash: joins[0] ?? null, requestId }
        const { mode, waitMs } = draft
        const { agentName, owner, expiresAt, tools } = order
        const terms = { agentName, owner, expiresAt, hasTools: tools.length > 0 }
        job.entered = await insert(job, { ...keys, ...terms, mode, waitMs, leaseMs: limits.queueLeaseMs })
      } finally {
        if (!job.entered) jobs.delete(job.claimId)
      }
      if (job.entered) return { job }
    }
    throw new Problem({
      status: 503,
      code: 'BUSY',
      detail: 'the same claim is made over and over',
      headers: { 'Retry-After': '1' },
    })
  }

  /** In one step with what it is made from, so that whoever reserves for it finds both. */
  async function insert({ claimId, order }: Job, claim: NewClaim): Promise<boolean> {
    if (!order.template && order.parentInstance === null) return insertClaim(db, claim)
    return withTransaction(db, async (tx) => {
      const entered = await insertClaim(tx, claim)
      if (entered) await recordClaimOrigin(tx, { claimId, ...order })
      return entered
    })
  }

  /** Sends those in the queue away; whom this does not reach is cancelled when its lease runs out. */
  async function endWaiting(): Promise<void> {
    const ids = [...jobs.values()].filter((job) => !job.running).map((job) => job.claimId)
    try {
      const stopped = { state: 'failed', error: STOPPING, reason: STOPPING.detail, actor: 'pool', requestId: null } as const
      await Promise.all(ids.map((id) => endQueued(db, { id, ...stopped })))
      await look(ids)
    } catch (err) {
      log.warn({ err, claimIds: ids }, 'waiting claims could not be ended')
    }
  }

  /** Waits until the claim is over or its caller must be answered. */
  async function wait(id: string, first: ClaimRow | null): Promise<ClaimRow> {
    for (let row = first; ; row = await nextSight(id)) {
      if (row && (isOver(row) || row.now.getTime() >= waitsUntil(row))) return row
      if (row === null && stopping) throw stoppingProblem()
    }
  }

  return {
    /** Takes a claim in and answers it: as it stands when it is over, or at its deadline. */
    async claim(asked: Asked, onEntered: (claimId: string, repeat: boolean) => void): Promise<Answer> {
      if (stopping) throw stoppingProblem()
      const entered = await enter(asked)
      if ('same' in entered) {
        onEntered(entered.same.id, true)
        return { row: await wait(entered.same.id, entered.same), gateway: null }
      }
      const { job } = entered
      onEntered(job.claimId, false)
      const over = wait(job.claimId, null)
      // it is waited for below; a failure before that must not go unheard as an unhandled rejection
      over.catch(() => {})
      // came in while this replica was stopping
      if (stopping) await endWaiting()
      await matchQuietly()
      // without time to wait, the queue is left at once
      if (asked.draft.waitMs === 0 && !job.running) {
        await expireQueued(db, { ids: [job.claimId], graceMs: limits.queueGraceMs })
        await look([job.claimId])
      }
      return { row: await over, gateway: job.gateway }
    },

    /** The client of a claim is gone before it was answered: without key or invite nobody could ever ask for the result. */
    async abandon(claimId: string): Promise<void> {
      const job = jobs.get(claimId)
      if (!job) return
      job.abandoned = true
      const left = { state: 'cancelled', error: null, reason: 'its claimer left', actor: job.principal, requestId: null } as const
      if (await endQueued(db, { id: claimId, ...left })) await look([claimId])
    },

    /** Ends those who wait in the queue, and lets what is being carried out come to its end. */
    async close(deadlineMs: number): Promise<void> {
      stopping = true
      await endWaiting()
      const cut = new AbortController()
      const allDone = async () => {
        while (running.size > 0) await Promise.all(running)
      }
      await Promise.race([allDone(), ctx.clock.sleep(deadlineMs, cut.signal)])
      cut.abort()
      await loop.stop()
      // whose box sent them back into the queue meanwhile
      await endWaiting()
      for (const waiters of waiting.values()) for (const tell of waiters) tell(null)
    },
  }
}

const stoppingProblem = () =>
  new Problem({ status: STOPPING.status, code: STOPPING.code, detail: STOPPING.detail, headers: { 'Retry-After': '1' } })
