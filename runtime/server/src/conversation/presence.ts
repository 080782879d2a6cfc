import type { Clock } from '@convos/kit/server'
import type { Driver } from '../convos/driver.ts'
import type { Limits } from '../limits.ts'

/** What others see of an agent that listens and thinks. It passes; nothing of it is kept or repeated. */
export class Presence {
  readonly #p: { driver: Pick<Driver, 'whisper'>; clock: Clock; limits: Limits }
  #receiptDue: AbortController | null = null

  constructor(p: { driver: Pick<Driver, 'whisper'>; clock: Clock; limits: Limits }) {
    this.#p = p
  }

  /** A message was heard; one receipt soon after is for all that came meanwhile. */
  heard(): void {
    if (this.#receiptDue) return
    const due = new AbortController()
    this.#receiptDue = due
    void this.#receipt(due.signal)
  }

  /** Shows that the agent is typing for as long as the work takes. */
  async typing<T>(work: () => Promise<T>): Promise<T> {
    const done = new AbortController()
    void this.#show(done.signal)
    try {
      return await work()
    } finally {
      done.abort()
      this.#p.driver.whisper({ type: 'typing', isTyping: false })
    }
  }

  stop(): void {
    this.#receiptDue?.abort()
    this.#receiptDue = null
  }

  async #receipt(signal: AbortSignal): Promise<void> {
    await this.#p.clock.sleep(this.#p.limits.readReceiptMs, signal)
    if (signal.aborted) return
    this.#receiptDue = null
    this.#p.driver.whisper({ type: 'read-receipt' })
  }

  async #show(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#p.driver.whisper({ type: 'typing', isTyping: true })
      await this.#p.clock.sleep(this.#p.limits.typingRepeatMs, signal)
    }
  }
}
