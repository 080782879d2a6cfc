/** Answers anew after `forMs`, and the same until then: however many ask, it is read once. A failure is not kept. */
export function recent<T>(forMs: number, read: () => Promise<T>): () => Promise<T> {
  let latest: { is: Promise<T>; at: number } | null = null
  return () => {
    if (latest && performance.now() - latest.at < forMs) return latest.is
    const reading = { is: read(), at: performance.now() }
    latest = reading
    reading.is.catch(() => {
      if (latest === reading) latest = null
    })
    return reading.is
  }
}
