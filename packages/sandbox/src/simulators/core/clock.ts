/** Time as the simulators see it: real time plus what tests have added, with timers that fire when time is moved. */
export interface SimClock {
  now(): Date
  /** Runs `fn` once simulated time has moved `ms` on; returns a function that cancels it. */
  after(ms: number, fn: () => void): () => void
  /** Moves time on and fires what has become due. */
  advance(ms: number): void
  offsetMs(): number
}

/** Simulated time passes; rejects as soon as the signal is aborted. */
export async function simSleep(clock: SimClock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const cancel = clock.after(ms, wake)
  signal.addEventListener('abort', wake)
  await promise
  cancel()
  signal.removeEventListener('abort', wake)
  signal.throwIfAborted()
}

interface Timer {
  dueAt: number
  fn: () => void
  handle: NodeJS.Timeout
}

export function simClock(realNow: () => number = Date.now): SimClock {
  let offset = 0
  const timers = new Set<Timer>()
  const now = () => realNow() + offset

  const fire = (timer: Timer) => {
    clearTimeout(timer.handle)
    if (timers.delete(timer)) timer.fn()
  }
  const arm = (timer: Timer) => {
    timer.handle = setTimeout(() => fire(timer), Math.max(0, timer.dueAt - now()))
    timer.handle.unref()
  }

  return {
    now: () => new Date(now()),
    offsetMs: () => offset,
    after(ms, fn) {
      const timer: Timer = { dueAt: now() + ms, fn, handle: undefined as never }
      timers.add(timer)
      arm(timer)
      return () => {
        clearTimeout(timer.handle)
        timers.delete(timer)
      }
    },
    advance(ms) {
      offset += ms
      const due = [...timers].filter((t) => t.dueAt <= now()).toSorted((a, b) => a.dueAt - b.dueAt)
      for (const timer of timers) {
        clearTimeout(timer.handle)
        if (!due.includes(timer)) arm(timer)
      }
      for (const timer of due) fire(timer)
    },
  }
}
