import { setTimeout as sleep } from 'node:timers/promises'
import { Unreachable } from '../client.ts'
import type { Emit } from './output.ts'
import { errorEvent } from './protocol.ts'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2_000

export type Link = ReturnType<typeof createLink>

/** The state of the connection as a whole: an outage is told once, however many requests run into it. */
export function createLink(emit: Emit) {
  let isDown = false
  let delayMs = FIRST_RETRY_MS

  async function lost(error: Unreachable) {
    if (isDown) return
    isDown = true
    await emit(errorEvent(error.message, { retrying: true }))
  }

  function restored() {
    isDown = false
    delayMs = FIRST_RETRY_MS
  }

  return {
    isDown: () => isDown,
    restored,

    /** Repeats `work` while the network is away; at once when `wake` is given and aborts. What it repeats must be safe to repeat. */
    async persist<T>(work: () => Promise<T>, wake?: AbortSignal): Promise<T> {
      for (;;) {
        try {
          const result = await work()
          restored()
          return result
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error
          await lost(error)
          // Jitter, so that a fleet of agents does not come back all at once.
          await sleep(delayMs * (0.5 + Math.random() / 2), undefined, wake && { signal: wake }).catch(() => {})
          delayMs = Math.min(delayMs * 2, LAST_RETRY_MS)
        }
      }
    },
  }
}
