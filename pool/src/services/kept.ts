/** Reads again what is older than `forMs`, many at once with one call; a failure leaves what was known. */
export function kept<T>(forMs: number, read: () => Promise<T>): () => Promise<T> {
  let known: { is: T } | null = null
  let askedAt = -Infinity
  let asked: Promise<T> | null = null

  async function refresh(): Promise<T> {
    try {
      known = { is: await read() }
      return known.is
    } catch (err) {
      if (known) return known.is
      throw err
    } finally {
      askedAt = performance.now()
      asked = null
    }
  }

  return () => {
    if (known && performance.now() - askedAt < forMs) return Promise.resolve(known.is)
    asked ??= refresh()
    return asked
  }
}
