import { type Endpoint, endpoint } from '@convos/kit'
import { callerOf, requestIdOf } from '../auth.ts'
import { DrainRequest, Operation, Operations, ReconcileRequest, ReplenishRequest } from '../contract/index.ts'
import { whoIs } from '../operations/who.ts'
import type { Parts } from '../parts.ts'
import { ById } from './params.ts'

/** Long work of an operator: begun, followed, stopped. */
export const operationRoutes = ({ operations: work, tick }: Parts): Endpoint<'operator'>[] => [
  endpoint({
    method: 'post',
    path: '/api/pool/replenish',
    operationId: 'replenish',
    summary: 'Add so many instances, or look at everything once and fill up to the target',
    auth: 'operator',
    body: ReplenishRequest,
    replies: { 202: Operation },
    async handle({ body: { count }, req, res }) {
      const operation = await work.replenish(count ?? null, whoIs(callerOf(res), requestIdOf(req)))
      if (count === undefined) tick.wake()
      return { status: 202, body: operation }
    },
  }),
  endpoint({
    method: 'post',
    path: '/api/pool/drain',
    operationId: 'drain',
    summary: 'End instances that nobody has claimed: so many, these, or all',
    auth: 'operator',
    body: DrainRequest,
    replies: { 202: Operation },
    async handle({ body: { count, ids, all, refill }, req, res }) {
      const which = { ...(count ? { count } : {}), ...(ids ? { ids } : {}), ...(all ? { all } : {}) }
      return { status: 202, body: await work.drain({ ...which, refill }, whoIs(callerOf(res), requestIdOf(req))) }
    },
  }),
  endpoint({
    method: 'post',
    path: '/api/pool/reconcile',
    operationId: 'reconcile',
    summary: 'Hold rows, ledgers and providers against each other, and take lost instances back; see the operation’s report',
    auth: 'operator',
    body: ReconcileRequest,
    replies: { 202: Operation },
    handle: async ({ body, req, res }) => ({
      status: 202,
      body: await work.reconcile(body, whoIs(callerOf(res), requestIdOf(req))),
    }),
  }),
  endpoint({
    method: 'post',
    path: '/api/pool/rollout',
    operationId: 'rollOut',
    summary: 'Replace the ready instances that are not on the wanted image, one at a time; agents in use stay',
    auth: 'operator',
    replies: { 202: Operation },
    async handle({ req, res }) {
      return { status: 202, body: await work.rollout(whoIs(callerOf(res), requestIdOf(req))) }
    },
  }),
  endpoint({
    method: 'delete',
    path: '/api/pool/rollout',
    operationId: 'stopRollout',
    summary: 'Replace nothing more; what was made stays',
    auth: 'operator',
    replies: { 200: Operation },
    async handle({ req, res }) {
      return { status: 200, body: await work.haltRollout(whoIs(callerOf(res), requestIdOf(req))) }
    },
  }),
  endpoint({
    method: 'get',
    path: '/api/pool/operations',
    operationId: 'listOperations',
    summary: 'Operations, newest first',
    auth: 'operator',
    replies: { 200: Operations },
    handle: async () => ({ status: 200, body: { operations: await work.list() } }),
  }),
  endpoint({
    method: 'get',
    path: '/api/pool/operations/:id',
    operationId: 'getOperation',
    summary: 'How far an operation is',
    auth: 'operator',
    params: ById,
    replies: { 200: Operation },
    handle: async ({ params: { id } }) => ({ status: 200, body: await work.read(id) }),
  }),
  endpoint({
    method: 'delete',
    path: '/api/pool/operations/:id',
    operationId: 'stopOperation',
    summary: 'Begin nothing more of it; what is under way goes on',
    auth: 'operator',
    params: ById,
    replies: { 200: Operation },
    handle: async ({ params: { id }, req, res }) => ({
      status: 200,
      body: await work.halt(id, whoIs(callerOf(res), requestIdOf(req))),
    }),
  }),
]
