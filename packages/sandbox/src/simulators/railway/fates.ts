import { type SimClock, simSleep } from '../core/clock.ts'
import type { Hosted, InstanceHost, LogLine } from './hosts/host.ts'
import type { Deployment } from './state.ts'

/** Unless the fault says how long. */
const DEFAULT_MS = { slow: 60_000, oom: 1_000, sleep: 1_000 }

const EXIT = { failed: 1, killed: 137 }

interface Parts {
  /** Of the host. */
  start: InstanceHost['launch']
  clock: SimClock
  /** How much longer a start takes now. */
  bootDelayMs: (d: Deployment) => number
}

/** What a `deployment` fault makes of a deployment's way up and of its containers. */
export function createFates({ start, clock, bootDelayMs }: Parts) {
  const killed = (hosted: Hosted, ms: number, log: (line: LogLine) => void): Hosted => {
    let struck = false
    const cancel = clock.after(ms, () => {
      struck = true
      log({ severity: 'error', message: 'out of memory: killed' })
      void hosted.stop(0)
    })
    const exited = hosted.exited.then((code) => {
      cancel()
      return struck ? EXIT.killed : code
    })
    return { ...hosted, exited }
  }

  return {
    /** How much longer than usual it is DEPLOYING. */
    delayMs: ({ fate }: Deployment) => (fate?.how === 'slow' ? (fate.ms ?? DEFAULT_MS.slow) : 0),
    /** Its container is never made. */
    isDoomed: ({ fate }: Deployment) => fate?.how === 'fail',
    /** How long after it came up it falls asleep; null: it does not. */
    drowsyMs: ({ fate }: Deployment) => (fate?.how === 'sleep' ? (fate.ms ?? DEFAULT_MS.sleep) : null),

    /** Starts its container, such as it is to be. */
    async launch(d: Deployment, log: (line: LogLine) => void, signal: AbortSignal): Promise<Hosted> {
      const delay = bootDelayMs(d)
      if (delay > 0) await simSleep(clock, delay, signal)
      if (d.fate?.how === 'crash-loop') {
        log({ severity: 'error', message: 'the process ended right after its start' })
        return { pid: null, exited: Promise.resolve(EXIT.failed), healthy: async () => false, stop: async () => {} }
      }
      const hosted = await start({ ...d, deploymentId: d.id }, log, signal)
      return d.fate?.how === 'oom' ? killed(hosted, d.fate.ms ?? DEFAULT_MS.oom, log) : hosted
    },
  }
}
