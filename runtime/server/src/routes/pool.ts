import { bearer, parseRequest } from '@convos/kit/server'
import { Router } from 'express'
import type { Agent } from '../agent.ts'
import { CancelRequest, EnvRequest, ProfileRequest, ProvisionRequest } from '../contract.ts'

/** What services does with an instance; the control token is required throughout. */
export function poolRoutes(agent: Agent, controlToken: string): Router {
  const router = Router()
  const control = bearer([controlToken])

  router.post('/pool/provision', control, async (req, res) => {
    res.json(await agent.binder.provision(parseRequest(ProvisionRequest, req.body)))
  })
  router.patch('/pool/profile', control, (req, res) => {
    agent.binder.changeProfile(parseRequest(ProfileRequest, req.body))
    res.json({ ok: true })
  })
  router.post('/pool/env', control, (req, res) => {
    agent.overlay.merge(parseRequest(EnvRequest, req.body).env)
    res.json({ ok: true })
  })
  router.post('/pool/cancel', control, async (req, res) => {
    res.json({ joined: await agent.binder.cancel(parseRequest(CancelRequest, req.body).claimId) })
  })
  router.post('/pool/reset', control, async (_req, res) => {
    await agent.reset()
    res.json({ ok: true, clean: agent.health().clean })
  })
  return router
}
