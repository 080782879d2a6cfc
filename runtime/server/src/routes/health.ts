import { bearer } from '@convos/kit/server'
import { Router } from 'express'
import type { Agent } from '../agent.ts'
import { Health, PublicHealth } from '../contract.ts'

/** `GET /pool/health`: open for the platform's health check, in full for who has the control token. */
export function healthRoutes(agent: Agent, controlToken: string): Router {
  const router = Router()
  const controlled = bearer([controlToken])
  router.get(
    '/pool/health',
    (req, res, next) => (req.headers.authorization === undefined ? next('route') : controlled(req, res, next)),
    (_req, res) => {
      const health = Health.parse(agent.health())
      res.status(health.ready ? 200 : 503).json(health)
    },
  )
  router.get('/pool/health', (_req, res) => {
    const health = PublicHealth.parse(agent.health())
    res.status(health.ready ? 200 : 503).json(health)
  })
  return router
}
