/** Time for loops and waits. Pure code takes `now` as a parameter instead. */
export interface Clock {
  now(): Date
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}

export interface FakeClock extends Clock {
  /** Moves time on, wakes the sleepers that are due in order, and lets what they woke run until it sleeps or ends. */
  advance(ms: number): Promise<void>
  sleepers(): number
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A clock for tests: time stands still until it is advanced. */
export function fakeClock(start: string): FakeClock {
  let now = Date.parse(start)
  const sleeping = new Set<{ dueAt: number; wake: () => void }>()
  return {
    now: () => new Date(now),
    sleepers: () => sleeping.size,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper = {
          dueAt: now + ms,
          wake: () => {
            sleeping.delete(sleeper)
            resolve()
          },
        }
        sleeping.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake, { once: true })
      }),
    async advance(ms) {
      await settle()
      const target = now + ms
      for (;;) {
        const next = [...sleeping].filter((s) => s.dueAt <= target).toSorted((a, b) => a.dueAt - b.dueAt)[0]
        if (!next) break
        now = Math.max(now, next.dueAt)
        next.wake()
        await settle()
      }
      now = target
      await settle()
    },
  }
}
