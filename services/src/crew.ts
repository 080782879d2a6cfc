/** Work that runs side by side, at most `max` at a time; the work handles its own failures. */
export interface Crew {
  /** How many more may start now. */
  readonly free: number
  start(work: Promise<void>): void
  /** Resolves when everything started so far has ended. */
  idle(): Promise<void>
}

/** @param onFree told whenever some work has ended */
export function createCrew(max: number, onFree: () => void): Crew {
  const running = new Set<Promise<void>>()
  return {
    get free() {
      return max - running.size
    },
    start(work) {
      const tracked = work.finally(() => {
        running.delete(tracked)
        onFree()
      })
      running.add(tracked)
    },
    async idle() {
      await Promise.all(running)
    },
  }
}
