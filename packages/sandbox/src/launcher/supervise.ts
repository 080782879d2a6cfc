import { openSync } from 'node:fs'
import { type GuardedChild, spawnGuarded } from './guarded.ts'

export interface SupervisedOptions {
  name: string
  args: string[]
  cwd: string
  env: Record<string, string>
  logFile: string
  /** How long it may take to end before it is killed. */
  stopMs?: number
  /** Told the pid at every start, and how often it was started. */
  onStart(pid: number, starts: number): void
}

export interface Supervised {
  stop(): Promise<void>
}

/** Longer than a service takes to finish what runs; shorter than a person waits after Ctrl-C. */
const STOP_MS = 4000
/** A service that ends at once is not started in a tight loop. */
const RESTART_MS = 500

/** Keeps a service running, as a platform would: whenever it ends, it is started again. */
export async function supervise(options: SupervisedOptions): Promise<Supervised> {
  const output = openSync(options.logFile, 'a')
  const stopping = new AbortController()
  let starts = 0
  const start = async (): Promise<GuardedChild> => {
    const started = await spawnGuarded(process.execPath, options.args, { cwd: options.cwd, env: options.env, output })
    options.onStart(started.pid, ++starts)
    return started
  }
  let child = await start()
  const running = (async () => {
    for (;;) {
      await child.exited
      if (stopping.signal.aborted) return
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS))
      if (stopping.signal.aborted) return
      child = await start()
    }
  })()
  return {
    async stop() {
      stopping.abort()
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), options.stopMs ?? STOP_MS)
      await running
      clearTimeout(impatience)
    },
  }
}
