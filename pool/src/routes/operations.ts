import { type Request, Router } from 'express'
import { type Auth, callerOf, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { DrainRequest, ReplenishRequest } from '../contract/index.ts'
import { whoIs } from '../operations.ts'
import type { Parts } from '../parts.ts'

/** Long work of an operator: begun, followed, stopped. */
export const operations = (_ctx: Context, auth: Auth, { operations: work, tick }: Parts) =>
  Router()
    .post('/api/pool/replenish', auth('operator'), async (req, res) => {
      const { count } = ReplenishRequest.parse(req.body ?? {})
      const operation = await work.replenish(count ?? null, whoIs(callerOf(res), requestIdOf(req)))
      if (count === undefined) tick.wake()
      res.status(202).json(operation)
    })
    .post('/api/pool/drain', auth('operator'), async (req, res) => {
      const { count, ids, all, refill } = DrainRequest.parse(req.body ?? {})
      const which = { ...(count ? { count } : {}), ...(ids ? { ids } : {}), ...(all ? { all } : {}) }
      res.status(202).json(await work.drain({ ...which, refill }, whoIs(callerOf(res), requestIdOf(req))))
    })
    .get('/api/pool/operations', auth('operator'), async (_req, res) => {
      res.json({ operations: await work.list() })
    })
    .get('/api/pool/operations/:id', auth('operator'), async (req: Request<{ id: string }>, res) => {
      res.json(await work.read(req.params.id))
    })
    .delete('/api/pool/operations/:id', auth('operator'), async (req: Request<{ id: string }>, res) => {
      res.json(await work.halt(req.params.id))
    })
