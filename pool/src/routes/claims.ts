import { type Endpoint, endpoint, Problem } from '@convos/kit'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { callerOf, type Principal, requestIdOf } from '../auth.ts'
import { audienceOf, makeNonce } from '../claim/challenge.ts'
import { giveUp } from '../claim/give-up.ts'
import { presentClaim, problemOf } from '../claim/present.ts'
import { type Draft, draftOf, draftOfClone, fingerprints } from '../claim/request.ts'
import type { Context } from '../context.ts'
import { Challenge, Claim, ClaimRequest, CloneRequest } from '../contract/index.ts'
import { type ClaimRow, findSameClaim, readClaims, readQueue } from '../db/claims.ts'
import { databaseNow, readWarmUpMs } from '../db/instances.ts'
import { whoIs } from '../operations/who.ts'
import type { Parts } from '../parts.ts'
import { estimateWait } from '../supply/plan.ts'
import { throttled } from '../throttle.ts'
import { ById } from './params.ts'

const ClaimHeaders = z.object({
  'Idempotency-Key': z.string().min(1).max(128).optional().describe('the same key and body are the same claim'),
})

const ANSWERS = {
  200: Claim.describe('the agent is there'),
  202: Claim.describe('it is not there yet: ask for the claim until it is'),
}

/** Claims: made, looked at, given up. */
export function claimRoutes(ctx: Context, { desk, operations }: Parts): Endpoint<'public' | 'claimer' | 'operator'>[] {
  const { config, db, services } = ctx
  type Answer = Awaited<ReturnType<typeof desk.claim>>

  async function estimate(claimId: string | null) {
    const [queue, warmUpMs] = await Promise.all([readQueue(db, claimId), readWarmUpMs(db)])
    const { waiting, position, starting, oldest_starting_ms: oldestStartingMs } = queue
    return { queueDepth: waiting, position, etaSeconds: estimateWait({ position, starting, oldestStartingMs, warmUpMs }) }
  }

  /** The present state; gateway details are read from services, and for the claim's own principal alone. */
  async function present(row: ClaimRow, caller: Principal, requestId: string, known: Answer['gateway']): Promise<Claim> {
    const has = row.instance_id !== null && (row.state === 'done' || row.state === 'pending')
    const mayKnow = has && row.principal === caller.id
    const gateway = mayKnow ? (known ?? (await services.gateway(row.instance_id ?? '', requestId).catch(() => null))) : null
    const queue = row.state === 'queued' ? await estimate(row.id) : null
    return presentClaim(row, { gateway, queue: queue && { position: queue.position, etaSeconds: queue.etaSeconds } })
  }

  /** Gives the claim up when its connection ends without its answer: by leaving, however early, or by a failure of ours. */
  function abandonUnless(answered: () => boolean, res: Response, claimId: string): void {
    const closed = () => {
      if (answered() && res.writableFinished) return
      desk.abandon(claimId).catch((err: unknown) => ctx.log.error({ err, claimId }, 'an abandoned claim could not be ended'))
    }
    if (res.closed) closed()
    else res.once('close', closed)
  }

  /** Whether there is this very claim already. */
  async function isRepeat(principal: string, idemKey: string | null, draft: Draft): Promise<boolean> {
    if (idemKey === null && draft.joinUrl === null) return false
    const { bodies, joins } = fingerprints(draft, ctx.secrets)
    return (await findSameClaim(db, { principal, idemKey, joinHashes: joins, bodyHmacs: bodies })) !== null
  }

  /** Makes the claim of a draft, or finds the one that it repeats, and answers it as it stands at its deadline. */
  async function claimed(draft: Draft, idemKey: string | null, req: Request, res: Response) {
    const caller = callerOf(res)
    const requestId = requestIdOf(req)
    let answered = false
    const work = () =>
      desk.claim({ principal: caller.id, idemKey, draft, requestId }, (claimId, repeat) => {
        if (!repeat && idemKey === null && draft.joinUrl === null) abandonUnless(() => answered, res, claimId)
      })
    const { row, gateway } = await throttled(ctx, caller, {
      isRepeat: () => isRepeat(caller.id, idemKey, draft),
      work,
      counts: (got) => !cameToNothing(got.row),
    })
    answered = true
    if (row.error?.code === 'POOL_EMPTY') {
      const { queueDepth, etaSeconds } = await estimate(null)
      const retry = { 'Retry-After': String(etaSeconds) }
      const { detail } = row.error
      throw new Problem({ status: 503, code: 'POOL_EMPTY', detail, headers: retry, extra: { queueDepth, etaSeconds } })
    }
    if (cameToNothing(row)) throw problemOf(row)
    const status = row.state === 'done' ? (200 as const) : (202 as const)
    return { status, body: await present(row, caller, requestId, gateway) }
  }

  async function find(id: string, caller: Principal): Promise<ClaimRow> {
    const [row] = await readClaims(db, [id])
    if (!row || (caller.role !== 'operator' && row.principal !== caller.id))
      throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such claim' })
    return row
  }

  return [
    endpoint({
      method: 'post',
      path: '/api/pool/claim',
      aliases: ['/api/claim'],
      operationId: 'claim',
      summary: 'Claim an agent: with a conversation of its own, or to join the one of an invite',
      auth: 'claimer',
      headers: ClaimHeaders,
      body: ClaimRequest,
      replies: ANSWERS,
      handle: ({ headers, body, req, res }) =>
        claimed(draftOf(body, config.inviteOrigins), headers['Idempotency-Key'] ?? null, req, res),
    }),
    endpoint({
      method: 'post',
      path: '/api/pool/instances/:id/clone',
      operationId: 'cloneInstance',
      summary: 'Claim another agent like this one: what it was told, and tools like those it has; it is yours',
      auth: 'operator',
      params: ById,
      headers: ClaimHeaders,
      body: CloneRequest,
      replies: ANSWERS,
      handle: ({ params: { id }, headers, body, req, res }) =>
        claimed(draftOfClone(id, body), headers['Idempotency-Key'] ?? null, req, res),
    }),
    endpoint({
      method: 'post',
      path: '/api/pool/claim/challenge',
      operationId: 'createChallenge',
      summary: 'What an owner signs (EIP-4361) to be proven by one claim',
      auth: 'public',
      replies: { 200: Challenge },
      async handle() {
        const now = await databaseNow(db)
        const { nonce, expiresAt } = makeNonce(ctx.secrets, new Date(now.getTime() + ctx.limits.challengeMs))
        return { status: 200, body: { nonce, ...audienceOf(config.publicUrl), expiresAt: expiresAt.toISOString() } }
      },
    }),
    endpoint({
      method: 'get',
      path: '/api/pool/claims/:id',
      operationId: 'getClaim',
      summary: 'A claim in its present state; claimers see their own',
      auth: 'claimer',
      params: ById,
      replies: { 200: Claim },
      async handle({ params: { id }, req, res }) {
        const caller = callerOf(res)
        return { status: 200, body: await present(await find(id, caller), caller, requestIdOf(req), null) }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/api/pool/claims/:id',
      operationId: 'giveUpClaim',
      summary: 'Cancel a claim, or give its agent up',
      auth: 'claimer',
      params: ById,
      replies: { 200: Claim },
      async handle({ params: { id }, req, res }) {
        const caller = callerOf(res)
        const requestId = requestIdOf(req)
        const row = await find(id, caller)
        await giveUp(db, operations, row.id, whoIs(caller, requestId))
        return { status: 200, body: await present(await find(id, caller), caller, requestId, null) }
      },
    }),
  ]
}

const cameToNothing = ({ state }: ClaimRow): boolean => state === 'failed' || state === 'cancelled' || state === 'ended'
