import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { Router, type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import { z } from 'zod'
import { simClock, type SimClock } from './clock.ts'
import { controlRouter } from './control.ts'
import { faultStore, type FaultStore, striking } from './faults.ts'
import { intercept } from './intercept.ts'
import { requestLog, type RequestLog } from './request-log.ts'
import type { SimContext, Simulator } from './simulator.ts'
import { stateFile } from './state-file.ts'

export interface ServeOptions {
  /** 0 or absent: a free one. */
  port?: number | undefined
  /** The name that other machines reach this one by; absent: only this machine does. */
  hostname?: string | undefined
  /** Where the state survives a restart; absent: it does not. */
  stateFile?: string | undefined
  simulators: ((context: SimContext) => Simulator)[]
}

export interface SimulatorServer {
  /** `http://127.0.0.1:<port>`, or by the name that was given */
  url: string
  clock: SimClock
  faults: FaultStore
  requests: RequestLog
  simulators: Simulator[]
  /** Stops listening and everything the simulators run, then stores the state. */
  close(): Promise<void>
}

const Snapshot = z.object({ clockOffsetMs: z.number(), simulators: z.record(z.string(), z.unknown()) })

/** One process, one port: every simulator below its prefix, the controls below `/_control`. */
export async function serveSimulators(options: ServeOptions): Promise<SimulatorServer> {
  const clock = simClock()
  let url = ''
  const faults = faultStore(({ provider, effect }) => simulators.find((s) => s.name === provider)?.objection?.(effect) ?? null)
  const context: SimContext = {
    clock,
    baseUrl: () => url,
    striking: (kind, target) => striking(faults, kind, target),
    noteInstanceCall: (method, path) => void requests.open({ provider: 'instances', method, path }),
  }
  const simulators = options.simulators.map((create) => create(context))
  const requests = requestLog()
  const store = options.stateFile
    ? stateFile(options.stateFile, () => ({
        clockOffsetMs: clock.offsetMs(),
        simulators: Object.fromEntries(simulators.map((s) => [s.name, s.dump()])),
      }))
    : null

  const loading = Promise.withResolvers<void>()
  const app = express().disable('x-powered-by')
  // A request that comes before the stored state is back would see an empty world.
  app.use(async (_req, _res, next) => {
    await loading.promise
    next()
  })
  const json = express.json({ limit: '16mb', strict: false })
  app.use('/_control', json, afterWrite(store?.touch), controlRouter({ simulators, faults, log: requests, clock }))
  for (const simulator of simulators) {
    // Each simulator reads bodies in its own way; only a GraphQL one must be understood from outside.
    const parser = simulator.graphql ? [json] : []
    const guards = [...parser, afterWrite(store?.touch, simulator), intercept({ simulator, faults, log: requests, clock })]
    mount(app, simulator, guards)
  }
  app.use((req, res) => {
    res.status(404).json({ error: `nothing is simulated at ${req.path}` })
  })
  app.use(answerError)

  const server = createServer(app)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, options.hostname === undefined ? '127.0.0.1' : undefined, resolve)
  })
  url = `http://${options.hostname ?? '127.0.0.1'}:${(server.address() as AddressInfo).port}`

  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await Promise.all(simulators.map(async (simulator) => simulator.close?.()))
    await closed
  }
  try {
    const stored = await store?.read()
    if (stored) await restore(Snapshot.parse(stored), clock, simulators)
    loading.resolve()
  } catch (error) {
    await stop()
    throw new Error(`cannot restore the simulators from ${options.stateFile}`, { cause: error })
  }

  return {
    url,
    clock,
    faults,
    requests,
    simulators,
    async close() {
      await stop()
      await store?.flush()
    },
  }
}

async function restore(snapshot: z.infer<typeof Snapshot>, clock: SimClock, simulators: Simulator[]): Promise<void> {
  clock.advance(snapshot.clockOffsetMs)
  for (const simulator of simulators) {
    if (simulator.name in snapshot.simulators) await simulator.load(snapshot.simulators[simulator.name])
  }
}

/** A simulator at the root shares it with all others, so it takes only what lies below its own paths. */
function mount(app: Express, simulator: Simulator, guards: RequestHandler[]): void {
  const router = Router().use(guards, simulator.router)
  const owns = ({ path }: Request) => simulator.paths?.some((own) => path === own || path.startsWith(`${own}/`)) ?? true
  app.use(simulator.prefix, (req, res, next) => (owns(req) ? router(req, res, next) : next()))
}

/** Calls `touch` once a request that may have written is over, answered or not. */
function afterWrite(touch: (() => void) | undefined, simulator?: Simulator): RequestHandler {
  return (req, res, next) => {
    const reads = ['GET', 'HEAD', 'OPTIONS'].includes(req.method) || simulator?.graphql?.describe(req.body).mutation === false
    if (touch && !reads) res.once('close', touch)
    next()
  }
}

const BodyError = z.object({ status: z.int().min(400).max(499), message: z.string() })

const answerError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) return next(error)
  if (error instanceof z.ZodError) return void res.status(400).json({ error: z.prettifyError(error) })
  const refused = BodyError.safeParse(error)
  if (refused.success) return void res.status(refused.data.status).json({ error: refused.data.message })
  console.error('sandbox: a simulator failed:', error)
  res.status(500).json({ error: 'the simulator failed; its console says why' })
}
