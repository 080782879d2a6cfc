import { setMaxListeners } from 'node:events'

/**
 * A point in time that work must not outlive. Inner work takes `within`, so that an inner deadline is never longer
 * than what is left of the outer one.
 */
export class Deadline {
  readonly signal: AbortSignal
  readonly #endsAt: number

  constructor(ms: number, outer?: AbortSignal) {
    this.#endsAt = performance.now() + ms
    const timeout = AbortSignal.timeout(Math.max(0, Math.ceil(ms)))
    this.signal = outer ? AbortSignal.any([outer, timeout]) : timeout
    setMaxListeners(0, this.signal)
  }

  /** Milliseconds left; 0 once it has passed. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now())
  }

  get passed(): boolean {
    return this.signal.aborted || this.leftMs === 0
  }

  /** An inner deadline: at most `ms`, and at least `reserveMs` before this one ends. */
  within(ms: number, reserveMs = 0): Deadline {
    return new Deadline(Math.max(0, Math.min(ms, this.leftMs - reserveMs)), this.signal)
  }
}
