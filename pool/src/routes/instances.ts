import { type Endpoint, endpoint, Problem } from '@convos/kit'
import { z } from 'zod'
import { callerOf, type Principal, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { can, ClaimedIds, ForgetRequest, InstanceWithEvents, Operation } from '../contract/index.ts'
import { listEvents, wasInstance } from '../db/events.ts'
import { type InstanceRow, listAgents, readInstance } from '../db/instances.ts'
import { knownInstance, unknownInstance } from '../known.ts'
import { whoIs } from '../operations/who.ts'
import type { Parts } from '../parts.ts'
import { presentEvent, presentInstance } from '../present.ts'
import { ById } from './params.ts'

const EVENTS_SHOWN = 200

const Forget = z.object({ forget: z.literal('1').optional() })

const oneWithoutTheOther = () =>
  new Problem({
    status: 400,
    code: 'INVALID_REQUEST',
    detail: 'the request does not have the expected shape',
    errors: [{ path: 'reason', message: 'goes with forget=1, and only with that' }],
  })

/** Instances: looked at, killed, dismissed. A claimer sees and ends its own, and learns nothing of others. */
export function instanceRoutes({ db }: Context, { operations }: Parts): Endpoint<'claimer' | 'operator'>[] {
  async function find(id: string, caller: Principal): Promise<InstanceRow | null> {
    const row = await readInstance(db, id)
    return row && (caller.role === 'operator' || row.principal === caller.id) ? row : null
  }

  return [
    endpoint({
      method: 'get',
      path: '/api/pool/instances/:id',
      operationId: 'getInstance',
      summary: 'An instance and its latest events; claimers see their own',
      auth: 'claimer',
      params: ById,
      replies: { 200: InstanceWithEvents },
      async handle({ params: { id }, res }) {
        const caller = callerOf(res)
        const row = await find(id, caller)
        if (!row) throw unknownInstance()
        const claimId = caller.role === 'operator' ? null : row.claim_id
        const events = await listEvents(db, { instanceId: row.id, claimId, limit: EVENTS_SHOWN })
        return { status: 200, body: { ...presentInstance(row), events: events.map(presentEvent) } }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/api/pool/instances/:id',
      aliases: ['/api/pool/instances/:id/destroy'],
      operationId: 'killInstance',
      summary:
        'End an instance for good; claimers end their own. `forget=1` closes the row of one whose end does not come. Twice is fine',
      auth: 'claimer',
      params: ById,
      query: Forget,
      body: ForgetRequest,
      replies: { 202: Operation },
      async handle({ params: { id }, query: { forget }, body: { reason }, req, res }) {
        const caller = callerOf(res)
        const who = whoIs(caller, requestIdOf(req))
        if (forget && caller.role !== 'operator')
          throw new Problem({ status: 403, code: 'FORBIDDEN', detail: 'this needs the role operator' })
        if ((forget !== undefined) !== (reason !== undefined)) throw oneWithoutTheOther()
        const row = await find(id, caller)
        if (row && reason !== undefined) return { status: 202, body: await operations.forget(row.id, reason, who) }
        if (row) return { status: 202, body: await operations.end('kill', row, who) }
        // gone since: asking twice is fine
        const was = await wasInstance(db, { id, principal: caller.role === 'operator' ? null : caller.id })
        if (!was || (await readInstance(db, id))) throw unknownInstance()
        return { status: 202, body: await operations.ended(id, who) }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/api/pool/instances',
      operationId: 'listClaimedIds',
      summary: 'Lists the claimed instances and deletes nothing, for older clients',
      auth: 'operator',
      replies: { 200: ClaimedIds },
      async handle() {
        const rows = await listAgents(db)
        return { status: 200, body: { ids: rows.filter((row) => row.status === 'claimed').map((row) => row.id) } }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/api/pool/crashed/:id',
      operationId: 'dismissInstance',
      summary: 'End a crashed instance for good',
      auth: 'operator',
      params: ById,
      replies: { 202: Operation },
      async handle({ params: { id }, req, res }) {
        const row = await knownInstance({ db }, id)
        const may = can('dismiss', { status: row.status })
        if (may !== true) throw new Problem({ status: 409, code: 'NOT_CRASHED', detail: may })
        return { status: 202, body: await operations.end('dismiss', row, whoIs(callerOf(res), requestIdOf(req))) }
      },
    }),
  ]
}
