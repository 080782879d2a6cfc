import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { type SimClock, simClock } from '../../src/simulators/core/clock.ts'
import type { SimContext, Simulator } from '../../src/simulators/core/simulator.ts'

export interface Mounted {
  /** Where the simulator answers, its prefix included. */
  url: string
  clock: SimClock
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
  const simulator = create({ clock, baseUrl })
  const app = express().use(before).use(simulator.prefix, simulator.router)

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
    clock,
    simulator,
    goAway,
    comeBack,
    async [Symbol.asyncDispose]() {
      await simulator.close?.()
      if (server.listening) await goAway()
    },
  }
}
