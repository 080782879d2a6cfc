import { Problem } from '@convos/kit'
import { type Request, type RequestHandler, Router } from 'express'
import { type Auth, callerOf, type Principal, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { can } from '../contract/index.ts'
import { listEvents, wasInstance } from '../db/events.ts'
import { type InstanceRow, listAgents, readInstance } from '../db/instances.ts'
import { whoIs } from '../operations.ts'
import type { Parts } from '../parts.ts'
import { presentEvent, presentInstance } from '../present.ts'

const EVENTS_SHOWN = 200
type ById = Request<{ id: string }>

const unknown = () => new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such instance' })

/** Instances: looked at, killed, dismissed. A claimer sees and ends its own, and learns nothing of others. */
export function instances({ db }: Context, auth: Auth, { operations }: Parts) {
  async function find(id: string, caller: Principal): Promise<InstanceRow | null> {
    const row = await readInstance(db, id)
    return row && (caller.role === 'operator' || row.principal === caller.id) ? row : null
  }

  const kill: RequestHandler<{ id: string }> = async (req, res) => {
    const caller = callerOf(res)
    const who = whoIs(caller, requestIdOf(req))
    const { id } = req.params
    const row = await find(id, caller)
    if (!row) {
      // gone since: asking twice is fine
      const was = await wasInstance(db, { id, principal: caller.role === 'operator' ? null : caller.id })
      if (!was || (await readInstance(db, id))) throw unknown()
      res.status(202).json(await operations.ended(id, who))
      return
    }
    res.status(202).json(await operations.end('kill', row, who))
  }

  return Router()
    .get('/api/pool/instances/:id', auth('claimer'), async (req: ById, res) => {
      const row = await find(req.params.id, callerOf(res))
      if (!row) throw unknown()
      const events = await listEvents(db, { instanceId: row.id, limit: EVENTS_SHOWN })
      res.json({ ...presentInstance(row), events: events.map(presentEvent) })
    })
    .delete('/api/pool/instances/:id', auth('claimer'), kill)
    .delete('/api/pool/instances/:id/destroy', auth('claimer'), kill)
    .delete('/api/pool/instances', auth('operator'), async (_req, res) => {
      // older clients ask this way; nothing is deleted without an id
      const rows = await listAgents(db)
      res.json({ ids: rows.filter((row) => row.status === 'claimed').map((row) => row.id) })
    })
    .delete('/api/pool/crashed/:id', auth('operator'), async (req: ById, res) => {
      const row = await readInstance(db, req.params.id)
      if (!row) throw unknown()
      const may = can('dismiss', { status: row.status })
      if (may !== true) throw new Problem({ status: 409, code: 'NOT_CRASHED', detail: may })
      res.status(202).json(await operations.end('dismiss', row, whoIs(callerOf(res), requestIdOf(req))))
    })
}
