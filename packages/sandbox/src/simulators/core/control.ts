import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from './clock.ts'
import type { FaultStore } from './faults.ts'
import { PROVIDERS } from './providers.ts'
import type { RequestLog } from './request-log.ts'
import type { Simulator } from './simulator.ts'

const RequestsQuery = z.object({ provider: z.enum([...PROVIDERS, 'instances']).optional(), since: z.coerce.date().optional() })
const ClockMove = z.strictObject({ advanceMs: z.int().min(0) })

interface ControlParts {
  simulators: Simulator[]
  faults: FaultStore
  log: RequestLog
  clock: SimClock
}

/** The test bed's own controls, served at `/_control`. */
export function controlRouter({ simulators, faults, log, clock }: ControlParts): Router {
  const router = Router()
  const time = () => ({ now: clock.now().toISOString(), offsetMs: clock.offsetMs() })

  router.get('/resources', (_req, res) => {
    res.json(Object.fromEntries(simulators.map((simulator) => [simulator.name, simulator.resources()])))
  })
  router.get('/requests', (req, res) => {
    res.json(log.list(RequestsQuery.parse(req.query)))
  })

  router.get('/faults', (_req, res) => {
    res.json(faults.list())
  })
  router.post('/faults', (req, res) => {
    res.status(201).json({ id: faults.add(req.body).id })
  })
  router.delete('/faults', (_req, res) => {
    faults.clear()
    res.status(204).end()
  })
  router.delete('/faults/:id', (req, res) => {
    res.status(faults.clear(req.params.id) ? 204 : 404).end()
  })

  router.get('/clock', (_req, res) => {
    res.json(time())
  })
  router.post('/clock', (req, res) => {
    clock.advance(ClockMove.parse(req.body).advanceMs)
    res.json(time())
  })

  for (const simulator of simulators) if (simulator.control) router.use(`/${simulator.name}`, simulator.control)

  router.delete('/', async (_req, res) => {
    faults.clear()
    await Promise.all(simulators.map(async (simulator) => simulator.reset()))
    log.clear()
    res.status(204).end()
  })
  return router
}
