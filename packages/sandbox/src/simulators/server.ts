import { dirname, join } from 'node:path'
import { createAgentMail } from './agentmail/index.ts'
import { createBankr } from './bankr/index.ts'
import { createConvos } from './convos/index.ts'
import { serveSimulators, type SimulatorServer } from './core/serve.ts'
import { createGhcr } from './ghcr/index.ts'
import { createOpenRouter } from './openrouter/index.ts'
import { createRailway, type RailwayOptions } from './railway/index.ts'
import { createTelnyx } from './telnyx/index.ts'

export interface SimulatorOptions {
  /** 0 or absent: a free one. */
  port?: number
  /** The name that other machines reach this one and its instances (as processes) by; absent: only this machine does. */
  hostname?: string | undefined
  /** Where everything survives a restart, instances' volumes beside it; absent: nothing does. */
  stateFile?: string
  railway?: RailwayOptions
  openrouter?: Parameters<typeof createOpenRouter>[1]
}

/** Starts every provider simulator behind one port, on 127.0.0.1 unless others are to reach it. */
export function startSimulators({
  port,
  hostname,
  stateFile,
  railway,
  openrouter,
}: SimulatorOptions = {}): Promise<SimulatorServer> {
  const besideState = stateFile === undefined ? undefined : join(dirname(stateFile), 'railway')
  return serveSimulators({
    port,
    hostname,
    stateFile,
    simulators: [
      (context) => createRailway(context, { dataDir: besideState, hostname, ...railway }),
      (context) => createOpenRouter(context, openrouter),
      createAgentMail,
      createTelnyx,
      createBankr,
      createConvos,
      // At the root, as registry clients require: last.
      createGhcr,
    ],
  })
}
