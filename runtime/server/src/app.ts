import type { IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import { apiApp, type Logger } from '@convos/kit/server'
import type { Express } from 'express'
import type { Agent } from './agent.ts'
import type { Config } from './config.ts'
import { refuseUpgrade } from './engine/upgrade.ts'
import { convosRoutes } from './routes/convos.ts'
import { healthRoutes } from './routes/health.ts'
import { linkRoutes } from './routes/link.ts'
import { isOwn } from './routes/own.ts'
import { poolRoutes } from './routes/pool.ts'

/** The agent server's own API. */
export const ownApp = (agent: Agent, config: Config, log: Logger): Express =>
  apiApp({
    log,
    // a gateway takes a while to start, and is asked for every few seconds
    quiet: ['/pool/health'],
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
  return (req, res) => (isOwn(req.url ?? '/') ? own(req, res) : agent.engine.gateway(req, res))
}

/** The same for WebSockets, of which we have none. */
export const frontUpgrade = (agent: Agent) => (req: IncomingMessage, socket: Duplex, head: Buffer) =>
  isOwn(req.url ?? '/') ? refuseUpgrade(socket, '404 Not Found') : agent.engine.upgrade(req, socket, head)
