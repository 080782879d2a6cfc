import type { Clock } from '@convos/kit'
import type { Process } from './schedule.ts'

export type Time = ReturnType<typeof createTime>

interface Sleeper {
  process: Process | null
  dueAt: number
  wake(): void
}

/**
 * One time for the replicas, the database and the boxes: the real one, moved on by hand. A history takes a fraction of a
 * second, so that only what is moved matters.
 */
export function createTime() {
  const sleepers = new Set<Sleeper>()
  let offsetMs = 0

  /** Resolves once `ms` have passed, or `signal` aborts; for a replica not while it stands still, and never once it is dead. */
  const wait = (ms: number, process: Process | null, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const sleeper: Sleeper = {
        process,
        dueAt: Date.now() + offsetMs + ms,
        wake() {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          if (process?.state !== 'dead') resolve()
        },
      }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })

  /** Wakes whose time has come. */
  function wake(): void {
    const now = Date.now() + offsetMs
    for (const sleeper of sleepers) if (sleeper.dueAt <= now && sleeper.process?.state !== 'frozen') sleeper.wake()
  }

  return {
    get offsetMs() {
      return offsetMs
    },
    now: () => Date.now() + offsetMs,
    wait,
    wake,
    advance(ms: number) {
      offsetMs += ms
      wake()
    },
    clockOf: (process: Process): Clock => ({
      now: () => new Date(Date.now() + offsetMs),
      sleep: (ms, signal) => wait(ms, process, signal),
    }),
  }
}
