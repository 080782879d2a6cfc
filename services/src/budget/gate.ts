/** What every request to one provider goes through: it counts, keeps to the provider's limits, and remembers what the provider said. */
export interface Gate {
  /**
   * Runs `request` when it is its turn.
   * @throws ProviderError `rate_limited`, without asking the provider, while it told us to wait or the budget is used up
   */
  pass<T>(operation: string, request: () => Promise<T>): Promise<T>
}

/** Lets everything through at once: for what does not count as ours, and for tests. */
export const openGate: Gate = { pass: (_operation, request) => request() }
