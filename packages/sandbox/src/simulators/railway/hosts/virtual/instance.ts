import type { Socket } from 'node:net'
import type { SimClock } from '../../../core/clock.ts'
import type { FaultOf } from '../../../core/faults.ts'
import type { Latencies } from '../../settings.ts'
import type { Launch, LogLine } from '../host.ts'
import { virtualAgent, type VirtualAgent } from './agent.ts'
import type { Volume } from './model.ts'

/** What the real agent server does not start without. */
const REQUIRED = ['INSTANCE_ID', 'INSTANCE_CONTROL_TOKEN', 'OPENCLAW_GATEWAY_TOKEN', 'RAILWAY_VOLUME_MOUNT_PATH']

const EXIT = { badConfig: 1, killed: 143 }

/** One virtual container: what the requests to its address meet. */
export interface VirtualInstance {
  agent: VirtualAgent
  controlToken: string
  latencies: () => Latencies
  /** The faults that strike a request to it, or what it says of its health. */
  faults: (at: 'call' | 'health', method: string, path: string) => Iterable<FaultOf<'instance'>>
  /** Tells the test bed that it was asked something. */
  noteCall: (method: string, path: string) => void
  state: 'booting' | 'up' | 'asleep' | 'gone'
  /** Those that wait for its answer: they break when it ends. */
  sockets: Set<Socket>
  exited: Promise<number>
  exit(code: number): void
  stop(): void
  /** Until somebody asks for it; `woken` is told once it is up again. */
  sleep(woken: () => void): void
  wake(): void
}

interface Parts {
  launch: Launch
  volume: Volume
  clock: SimClock
  log: (line: LogLine) => void
  latencies: () => Latencies
  faults: VirtualInstance['faults']
  noteCall: VirtualInstance['noteCall']
  inviteUrl: (slug: string) => string
}

/** Starts one; without its required variables it ends at once, as the real one does. */
export function startInstance({ launch, volume, clock, log, latencies, faults, noteCall, inviteUrl }: Parts): VirtualInstance {
  const { variables, address } = launch
  const { promise: exited, resolve } = Promise.withResolvers<number>()
  const agent = virtualAgent({ volume, variables, clock, inviteUrl, workMs: () => latencies().answerMs.provision })
  let cancelBoot = () => {}
  let woken = () => {}

  const boot = () => {
    instance.state = 'booting'
    cancelBoot = clock.after(latencies().bootMs, () => {
      instance.state = 'up'
      log({ severity: 'info', message: `listening on ${address}` })
      woken()
    })
  }
  const instance: VirtualInstance = {
    agent,
    controlToken: variables['INSTANCE_CONTROL_TOKEN'] ?? '',
    latencies,
    faults,
    noteCall,
    state: 'booting',
    sockets: new Set(),
    exited,
    exit(code) {
      if (instance.state === 'gone') return
      instance.state = 'gone'
      cancelBoot()
      agent.stop()
      for (const socket of instance.sockets) socket.destroy()
      log({ severity: code === 0 ? 'info' : 'error', message: `exited with ${code}` })
      resolve(code)
    },
    stop: () => instance.exit(EXIT.killed),
    sleep(onWake) {
      instance.state = 'asleep'
      woken = onWake
    },
    wake: () => instance.state === 'asleep' && boot(),
  }

  log({ severity: 'info', message: `virtual agent of ${variables['INSTANCE_ID'] ?? 'nobody'} begins` })
  const missing = REQUIRED.filter((name) => !variables[name])
  if (missing.length === 0) boot()
  else {
    log({ severity: 'error', message: `bad environment: ${missing.join(', ')} required` })
    instance.exit(EXIT.badConfig)
  }
  return instance
}
