/** Runs at most `limit` of the given tasks at a time; the others wait for their turn, in order. */
export function atMost(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await task()
    } finally {
      // the slot is handed on, not given back, so that a newcomer cannot take it from who waits
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

/** Maps with bounded concurrency; rejects with the first failure, like Promise.all. */
export function mapAtMost<T, R>(limit: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const run = atMost(limit)
  return Promise.all(items.map((item) => run(() => work(item))))
}
