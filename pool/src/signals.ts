/**
 * What one part tells the others within a process, without knowing them: `changed` (an instance row is different),
 * `shrunk` (fewer ready or starting instances than before: look at the stock), `ready` (one more can be handed out),
 * `operation` (there are items to begin), `leading` (this replica has begun to tick).
 */
type Signal = 'changed' | 'shrunk' | 'ready' | 'operation' | 'leading'

export interface Signals {
  on(signal: Signal, listener: () => void): void
  emit(...signals: Signal[]): void
}

export function createSignals(): Signals {
  const listeners = new Map<Signal, (() => void)[]>()
  return {
    on: (signal, listener) => void listeners.set(signal, [...(listeners.get(signal) ?? []), listener]),
    emit(...signals) {
      for (const signal of signals) for (const listener of listeners.get(signal) ?? []) listener()
    },
  }
}
