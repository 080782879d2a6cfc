import type { Hosted } from './hosts/host.ts'
import type { Deployment } from './state.ts'

/** One deployment being driven: from its start until its process is gone for good. */
export interface Run {
  signal: AbortSignal
  hosted: Hosted | null
}

/** Who drives which deployment now, so that it can be made to stop; nothing of this outlives the simulator's process. */
export function createRuns() {
  const runs = new Map<string, Run & { abort: () => void; done: Promise<void> }>()
  const background = new Set<Promise<void>>()

  /** Ends a deployment's process and what drives it; what that means for its status is the caller's business. */
  async function halt(d: Deployment, graceMs: number): Promise<void> {
    const run = runs.get(d.id)
    if (!run) return
    run.abort()
    await run.hosted?.stop(graceMs)
    await run.done
  }

  return {
    start(d: Deployment, drive: (run: Run) => Promise<void>, failed: (error: unknown) => void): void {
      const controller = new AbortController()
      const { signal } = controller
      const run = { signal, hosted: null, abort: () => controller.abort(), done: Promise.resolve() }
      runs.set(d.id, run)
      run.done = drive(run)
        .catch((error: unknown) => void (signal.aborted || failed(error)))
        .finally(() => runs.get(d.id) === run && runs.delete(d.id))
    },
    halt,
    isRunning: (d: Deployment) => runs.has(d.id),
    pidOf: (d: Deployment): number | null => runs.get(d.id)?.hosted?.pid ?? null,
    /** Work that nobody waits for now, but that must be over before the simulator ends. */
    inBackground(work: Promise<unknown>): void {
      const settled = work
        .then(() => undefined)
        .catch((error: unknown) => console.error('sandbox: a deployment could not be ended:', error))
        .finally(() => background.delete(settled))
      background.add(settled)
    },
    /** Ends every process without a change of state. */
    async haltAll(graceMs: number): Promise<void> {
      await Promise.all(
        [...runs.values()].map(async (run) => {
          run.abort()
          await run.hosted?.stop(graceMs)
          await run.done
        }),
      )
      await Promise.all(background)
    },
  }
}
