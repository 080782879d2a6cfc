/** "Something changed", within this process only: it shortens waits that poll the database anyway. */
export interface Signal {
  notify(): void
  /** @returns how to stop listening */
  listen(listener: () => void): () => void
  /** Resolves at the next `notify`, after `ms`, or when `until` aborts; never rejects. */
  wait(ms: number, until: AbortSignal): Promise<void>
}

export function createSignal(): Signal {
  const listeners = new Set<() => void>()
  const listen = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    listen,
    notify() {
      for (const listener of listeners) listener()
    },
    async wait(ms, until) {
      if (until.aborted) return
      const over = Promise.withResolvers<void>()
      const done = () => over.resolve()
      const timer = setTimeout(done, ms)
      const ignore = listen(done)
      until.addEventListener('abort', done, { once: true })
      await over.promise
      clearTimeout(timer)
      ignore()
      until.removeEventListener('abort', done)
    },
  }
}
