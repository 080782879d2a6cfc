import type { Clock } from '@convos/kit/server'

/** Timers count no further. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Waits for the one moment that was announced last. */
export class Ending {
  readonly #p: { clock: Clock; due: (at: Date) => void }
  #waiting: AbortController | null = null

  constructor(p: { clock: Clock; due: (at: Date) => void }) {
    this.#p = p
  }

  /** Whether that moment has come already; else `due` is called when it has. A moment that is none has come. */
  expect(at: Date): boolean {
    this.cancel()
    const leftMs = at.getTime() - this.#p.clock.now().getTime()
    if (!(leftMs > 0)) return true
    const waiting = new AbortController()
    this.#waiting = waiting
    void this.#wait(at, Math.min(leftMs, LONGEST_TIMER_MS), waiting.signal)
    return false
  }

  cancel(): void {
    this.#waiting?.abort()
    this.#waiting = null
  }

  async #wait(at: Date, waitMs: number, signal: AbortSignal): Promise<void> {
    await this.#p.clock.sleep(waitMs, signal)
    if (!signal.aborted) this.#p.due(at)
  }
}
