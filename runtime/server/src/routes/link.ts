import { bearer, parseRequest } from '@convos/kit/server'
import { Router } from 'express'
import type { Agent } from '../agent.ts'
import { ACTIONS_PATH, LinkAction } from '../link/actions.ts'

/** What the engine behind this server has the agent do; nobody else has the token. */
export function linkRoutes(agent: Agent): Router {
  const router = Router()
  router.post(ACTIONS_PATH, bearer([agent.linkToken]), async (req, res) => {
    res.json(await agent.actions.perform(parseRequest(LinkAction, req.body)))
  })
  return router
}
