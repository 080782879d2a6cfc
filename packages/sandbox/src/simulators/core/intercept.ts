import type { Request, RequestHandler, Response } from 'express'
import type { SimClock } from './clock.ts'
import type { ActiveFault, FaultStore } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import type { Simulator } from './simulator.ts'
import { makeStale } from './staleness.ts'
import { loseAnswer, withholdAnswer } from './withheld.ts'

const CLOUDFLARE_1015 =
  '<!DOCTYPE html><html><head><title>Access denied | used Cloudflare to restrict access</title></head>' +
  '<body><h1>Error 1015</h1><h2>You are being rate limited</h2></body></html>'

interface Interception {
  simulator: Simulator
  faults: FaultStore
  log: RequestLog
  clock: SimClock
}

/** Stands in front of one simulator: logs each request and lets the fault rules have their way with it. */
export function intercept({ simulator, faults, log, clock }: Interception): RequestHandler {
  return async (req, res, next) => {
    const asked = simulator.graphql?.describe(req.body)
    const path = req.originalUrl.split('?', 1)[0] ?? ''
    const entry = log.open({ provider: simulator.name, ...(asked && { operation: asked.label }), method: req.method, path })
    res.once('finish', () => (entry.status = res.statusCode))

    const names = asked?.names ?? []
    const paths = [path, req.path]
    for (const fault of faults.strike({ provider: simulator.name, at: 'request', names, method: req.method, paths })) {
      if ((await inflict(fault, req, res, simulator, clock)) === 'over') return
    }
    next()
  }
}

type Verdict = 'over' | 'goes on'

/** Applies one rule; `over` when the simulator must not see the request any more. */
async function inflict(fault: ActiveFault, req: Request, res: Response, simulator: Simulator, clock: SimClock): Promise<Verdict> {
  const { effect, cleared } = fault
  switch (effect.kind) {
    case 'latency':
      await new Promise<void>((resolve) => clock.after(effect.ms, resolve))
      return 'goes on'
    case 'hang':
      fault.held++
      await Promise.race([cleared, new Promise<void>((resolve) => res.once('close', resolve))])
      fault.held--
      return res.closed ? 'over' : 'goes on'
    case 'hang-after':
      void withholdAnswer(res, fault)
      return 'goes on'
    case 'drop-after':
      loseAnswer(req, res)
      return 'goes on'
    case 'stale-list':
      makeStale(res, effect.ms)
      return 'goes on'
    case 'webhook': // these strike something else, never a request
    case 'deployment':
    case 'instance':
      return 'goes on'
    case 'drop-before':
      req.socket.destroy()
      break
    case 'status':
      res.status(effect.status).set(effect.headers)
      if (typeof effect.body === 'string') res.send(effect.body)
      else res.json(effect.body ?? {})
      break
    case 'graphql-error':
      res.json(simulator.graphql?.error(req.body, effect.message) ?? { errors: [{ message: effect.message }], data: null })
      break
    case 'html-429':
      res.status(429).type('html').send(CLOUDFLARE_1015)
  }
  return 'over'
}
