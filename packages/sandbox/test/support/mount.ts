import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { type SimClock, simClock } from '../../src/simulators/core/clock.ts'
import { type FaultStore, faultStore, striking } from '../../src/simulators/core/faults.ts'
import { intercept } from '../../src/simulators/core/intercept.ts'
import { requestLog } from '../../src/simulators/core/request-log.ts'
import type { SimContext, Simulator } from '../../src/simulators/core/simulator.ts'

export interface Mounted {
  /** Where the simulator answers, its prefix included. */
  url: string
  /** Where its own controls answer, as below `/_control/<name>`. */
  controlUrl: string
  clock: SimClock
  faults: FaultStore
  simulator: Simulator
  /** The process behind the port goes away: every connection breaks, new ones are refused. */
  goAway(): Promise<void>
  /** It is back on the same port, with the same state. */
  comeBack(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** One simulator alone on an Express app; `before` sees each request first. */
export async function mount(
  create: (ctx: SimContext) => Simulator,
  before: RequestHandler = (_req, _res, next) => next(),
): Promise<Mounted> {
  let port = 0
  let server: Server
  const clock = simClock()
  const baseUrl = () => `http://127.0.0.1:${port}`
  const faults = faultStore()
  const simulator = create({
    clock,
    baseUrl,
    striking: (kind, target) => striking(faults, kind, target),
    noteInstanceCall: () => undefined,
  })
  const app = express().use(before)
  if (simulator.control) app.use('/_control', express.json(), simulator.control)
  app.use(simulator.prefix, intercept({ simulator, faults, log: requestLog(), clock }), simulator.router)

  const comeBack = async () => {
    server = createServer(app).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const goAway = async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await comeBack()
  return {
    url: baseUrl() + simulator.prefix,
    controlUrl: `${baseUrl()}/_control`,
    clock,
    faults,
    simulator,
    goAway,
    comeBack,
    async [Symbol.asyncDispose]() {
      await simulator.close?.()
      if (server.listening) await goAway()
    },
  }
}
