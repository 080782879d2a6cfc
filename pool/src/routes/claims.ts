import { Problem } from '@convos/kit'
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { z } from 'zod'
import { type Auth, callerOf, type Principal, requestIdOf } from '../auth.ts'
import { giveUp } from '../claim/give-up.ts'
import { presentClaim, problemOf } from '../claim/present.ts'
import { parseDraft } from '../claim/request.ts'
import type { Context } from '../context.ts'
import type { Claim } from '../contract/index.ts'
import { type ClaimRow, readClaims, readQueue } from '../db/claims.ts'
import { readWarmUpMs } from '../db/instances.ts'
import { whoIs } from '../operations.ts'
import type { Parts } from '../parts.ts'
import { estimateWait } from '../pool.ts'

const IdempotencyKey = z.object({ 'Idempotency-Key': z.string().min(1).max(128).nullable() })

/** Claims: made, looked at, given up. */
export function claims(ctx: Context, auth: Auth, { desk, operations }: Parts) {
  const { config, db, services } = ctx

  async function estimate(claimId: string | null) {
    const [queue, warmUpMs] = await Promise.all([readQueue(db, claimId), readWarmUpMs(db)])
    const { waiting, position, starting, oldest_starting_ms: oldestStartingMs } = queue
    return { queueDepth: waiting, position, etaSeconds: estimateWait({ position, starting, oldestStartingMs, warmUpMs }) }
  }

  /** The present state; gateway details are read from services, and for the claim's own principal alone. */
  async function present(
    row: ClaimRow,
    caller: Principal,
    requestId: string,
    known: Awaited<ReturnType<typeof desk.claim>>['gateway'],
  ) {
    const has = row.instance_id !== null && (row.state === 'done' || row.state === 'pending')
    const mayKnow = has && row.principal === caller.id
    const gateway = mayKnow ? (known ?? (await services.gateway(row.instance_id ?? '', requestId).catch(() => null))) : null
    const queue = row.state === 'queued' ? await estimate(row.id) : null
    return presentClaim(row, { gateway, queue: queue && { position: queue.position, etaSeconds: queue.etaSeconds } })
  }

  const make: RequestHandler = async (req, res) => {
    const caller = callerOf(res)
    const requestId = requestIdOf(req)
    const { 'Idempotency-Key': idemKey } = IdempotencyKey.parse({ 'Idempotency-Key': req.get('idempotency-key') ?? null })
    const draft = parseDraft(req.body, config.inviteOrigins)
    const asked = { principal: caller.id, idemKey, draft, requestId }
    let answered = false
    const { row, gateway } = await desk.claim(asked, (claimId, repeat) => {
      if (!repeat && idemKey === null && draft.joinUrl === null) abandonUnless(() => answered, res, claimId)
    })
    answered = true
    if (row.error?.code === 'POOL_EMPTY') {
      const { queueDepth, etaSeconds } = await estimate(null)
      const headers = { 'Retry-After': String(etaSeconds) }
      throw new Problem({ status: 503, code: 'POOL_EMPTY', detail: row.error.detail, headers, extra: { queueDepth, etaSeconds } })
    }
    if (row.state === 'failed' || row.state === 'cancelled' || row.state === 'ended') throw problemOf(row)
    res.status(row.state === 'done' ? 200 : 202).json((await present(row, caller, requestId, gateway)) satisfies Claim)
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

  async function find(req: Request<{ id: string }>, caller: Principal): Promise<ClaimRow> {
    const [row] = await readClaims(db, [req.params.id])
    if (!row || (caller.role !== 'operator' && row.principal !== caller.id))
      throw new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such claim' })
    return row
  }

  return Router()
    .post('/api/pool/claim', auth('claimer'), make)
    .post('/api/claim', auth('claimer'), make)
    .get('/api/pool/claims/:id', auth('claimer'), async (req: Request<{ id: string }>, res) => {
      const caller = callerOf(res)
      res.json(await present(await find(req, caller), caller, requestIdOf(req), null))
    })
    .delete('/api/pool/claims/:id', auth('claimer'), async (req: Request<{ id: string }>, res) => {
      const caller = callerOf(res)
      const requestId = requestIdOf(req)
      const { id } = await find(req, caller)
      await giveUp(db, operations, id, whoIs(caller, requestId))
      res.json(await present(await find(req, caller), caller, requestId, null))
    })
}
