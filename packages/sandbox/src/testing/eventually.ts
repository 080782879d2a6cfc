/** Polls until `check` returns something truthy; fails with the last thing seen. For effects of other processes, never for timing. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T> | T,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, everyMs = 25 } = options
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    let seen: unknown
    try {
      const value = await check()
      if (value) return value
      seen = value
    } catch (err) {
      seen = err
    }
    if (performance.now() > endsAt) {
      throw new Error(`not within ${timeoutMs} ms: ${what}`, {
        cause: seen instanceof Error ? seen : new Error(`last seen: ${JSON.stringify(seen)}`),
      })
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
