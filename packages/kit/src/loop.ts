import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'

export interface Loop {
  /** Asks for a pass as soon as possible; many wakes during a pass make one more pass. */
  wake(): void
  /** Starts no further pass and waits for the running one. */
  stop(): Promise<void>
}

export interface LoopOptions {
  name: string
  everyMs: number
  clock: Clock
  log: Logger
  /** One pass; `signal` aborts on stop. A pass that throws is logged and the loop goes on. */
  pass(signal: AbortSignal): Promise<void>
}

/** A reconciler's heartbeat: passes never overlap; a timer or a wake starts the next. */
export function startLoop({ name, everyMs, clock, log, pass }: LoopOptions): Loop {
  const stopping = new AbortController()
  let woken = false
  let nap = new AbortController()

  const run = async () => {
    while (!stopping.signal.aborted) {
      woken = false
      nap = new AbortController()
      try {
        await pass(stopping.signal)
      } catch (err) {
        if (!stopping.signal.aborted) log.error({ err, loop: name }, 'pass failed')
      }
      if (!woken && !stopping.signal.aborted) await clock.sleep(everyMs, nap.signal)
    }
  }
  const running = run()

  return {
    wake() {
      woken = true
      nap.abort()
    },
    async stop() {
      stopping.abort()
      nap.abort()
      await running
    },
  }
}
