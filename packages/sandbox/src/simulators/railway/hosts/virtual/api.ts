import express, { type Express, type Request, type RequestHandler, Router } from 'express'
import type { SimClock } from '../../../core/clock.ts'
import type { Latencies } from '../../settings.ts'
import { CancelRequest, EnvRequest, ProfileRequest, ProvisionRequest } from './contract.ts'
import { answerProblem, notFound, unauthorized } from './errors.ts'
import { inflict } from './faults.ts'
import type { VirtualInstance } from './instance.ts'

/** The agent server's `/pool` API for all virtual instances at once; `instanceOf` says which one a request is for. */
export function virtualApi(instanceOf: (req: Request) => VirtualInstance, clock: SimClock): Express {
  const faults: RequestHandler = (req, res, next) => {
    const instance = instanceOf(req)
    if (req.path !== '/pool/health') instance.noteCall(req.method, req.path)
    for (const fault of instance.faults('call', req.method, req.path)) if (inflict(fault, instance, req, res) === 'over') return
    next()
  }
  const controlled: RequestHandler = (req, _res, next) => {
    if (req.get('authorization') !== `Bearer ${instanceOf(req).controlToken}`) throw unauthorized()
    next()
  }
  const after =
    (answer: keyof Latencies['answerMs']): RequestHandler =>
    (req, _res, next) => {
      const ms = instanceOf(req).latencies().answerMs[answer]
      if (ms === 0) next()
      else clock.after(ms, next)
    }
  const agentOf = (req: Request) => instanceOf(req).agent

  const router = Router()
  router.get(
    '/pool/health',
    (req, res, next) => (req.headers.authorization === undefined ? next() : controlled(req, res, next)),
    after('health'),
    (req, res) => {
      const instance = instanceOf(req)
      const health = instance.agent.health()
      for (const { effect } of instance.faults('health', req.method, req.path)) {
        if (effect.how === 'unhealthy') health.ready = false
        else health.clean = false
      }
      const { ready, clean, version } = health
      res.status(ready ? 200 : 503).json(req.headers.authorization === undefined ? { ready, clean, version } : health)
    },
  )
  // Its work takes time, not its answer: meanwhile health says so.
  router.post('/pool/provision', controlled, async (req, res) => {
    res.json(await agentOf(req).provision(ProvisionRequest.parse(req.body)))
  })
  router.patch('/pool/profile', controlled, after('profile'), (req, res) => {
    agentOf(req).changeProfile(ProfileRequest.parse(req.body))
    res.json({ ok: true })
  })
  router.post('/pool/env', controlled, after('env'), (req, res) => {
    agentOf(req).layOver(EnvRequest.parse(req.body).env)
    res.json({ ok: true })
  })
  router.post('/pool/cancel', controlled, after('cancel'), (req, res) => {
    res.json({ joined: agentOf(req).cancel(CancelRequest.parse(req.body).claimId) })
  })
  router.post('/pool/reset', controlled, after('reset'), (req, res) => {
    agentOf(req).reset()
    res.json({ ok: true, clean: agentOf(req).health().clean })
  })

  const app = express().disable('x-powered-by').disable('etag')
  app.use(faults, express.json({ limit: '256kb' }), router)
  app.use((req) => {
    throw notFound(req.method, req.path)
  })
  return app.use(answerProblem)
}
