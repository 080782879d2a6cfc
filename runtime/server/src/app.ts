import type { RequestListener } from 'node:http'
import { apiApp, type Logger } from '@convos/kit/server'
import type { Express } from 'express'
import type { Agent } from './agent.ts'
import type { Config } from './config.ts'
import { convosRoutes } from './routes/convos.ts'
import { healthRoutes } from './routes/health.ts'
import { linkRoutes } from './routes/link.ts'
import { poolRoutes } from './routes/pool.ts'

const OWN_PATH = /^\/(pool|convos|link)(\/|\?|$)/

/** The agent server's own API. */
export const ownApp = (agent: Agent, config: Config, log: Logger): Express =>
  apiApp({
    log,
    routes: [
      healthRoutes(agent, config.controlToken),
      poolRoutes(agent, config.controlToken),
      convosRoutes(agent, config.gatewayToken),
      linkRoutes(agent),
    ],
  })

/** The front of the box: our own paths, and behind them the engine, which gets its requests with their bodies unread. */
export function front(agent: Agent, config: Config, log: Logger): RequestListener {
  const own = ownApp(agent, config, log)
  return (req, res) => (OWN_PATH.test(req.url ?? '/') ? own(req, res) : agent.engine.gateway(req, res))
}
