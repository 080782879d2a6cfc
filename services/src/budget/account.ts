import type { Clock } from '@convos/kit'
import { BLOCK_MAX, BUDGET_AT_LEISURE, BUDGET_WINDOW } from '../limits.ts'

/** What happened in a stretch of time. */
export interface Tally {
  requests: number
  /** Turned away unheard, by the provider or by ourselves. */
  refused: number
  failed: number
  okAt: number | null
  error: { at: number; message: string } | null
}

/** What all replicas together know, as of when it was read. */
export interface SharedBudget {
  requests: number
  windowLeftMs: number
  blockedMs: number
}

const ERROR_MAX = 500

const nothing = (): Tally => ({ requests: 0, refused: 0, failed: 0, okAt: null, error: null })

/** A request may have been sent in one stretch and answered in the next. */
export const isNothing = ({ requests, refused, okAt, error }: Tally): boolean =>
  requests === 0 && refused === 0 && okAt === null && error === null

/** Both, the second one being the later. */
const sum = (a: Tally, b: Tally): Tally => ({
  requests: a.requests + b.requests,
  refused: a.refused + b.refused,
  failed: a.failed + b.failed,
  okAt: b.okAt ?? a.okAt,
  error: b.error ?? a.error,
})

/** What this process knows of one provider's limits: what all of them used when they last told each other, and what it used since. */
export function createAccount({ perHour, clock }: { perHour: number | null; clock: Clock }) {
  const now = () => clock.now().getTime()
  let shared = { requests: 0, windowEndsAt: now() + BUDGET_WINDOW }
  let blockedUntil = 0
  /** Handed out to be written down. */
  let written = nothing()
  let unwritten = nothing()

  function used(): number {
    if (now() >= shared.windowEndsAt) shared = { requests: 0, windowEndsAt: now() + BUDGET_WINDOW }
    return shared.requests + written.requests + unwritten.requests
  }

  return {
    unwritten: () => unwritten,
    blockedMs: () => Math.max(0, blockedUntil - now()),
    left: () => (perHour === null ? null : Math.max(0, perHour - used())),

    /** Why a request must not be made now, and for how long; null: it may. */
    refusal(atLeisure: boolean): { reason: string; waitMs: number } | null {
      if (blockedUntil > now()) return { reason: 'it told us to wait', waitMs: blockedUntil - now() }
      if (perHour === null || used() < perHour * (atLeisure ? BUDGET_AT_LEISURE : 1)) return null
      const reason = atLeisure
        ? 'what is left of the hour is kept for creations and removals'
        : 'the budget of the hour is used up'
      return { reason, waitMs: shared.windowEndsAt - now() }
    },

    sent: () => void unwritten.requests++,
    refused: () => void unwritten.refused++,
    succeeded: () => void (unwritten.okAt = now()),
    failed(message: string) {
      unwritten.failed++
      // a database takes no NUL, and would refuse all counts for it
      unwritten.error = { at: now(), message: message.replaceAll('\0', '').slice(0, ERROR_MAX) }
    },
    /** @returns for how long */
    block(ms: number): number {
      const blockMs = Math.min(ms, BLOCK_MAX)
      blockedUntil = Math.max(blockedUntil, now() + blockMs)
      return blockMs
    },

    /** What has not been written down yet; it counts on until `learn`, or until `putBack` when it could not be. */
    take(): Tally {
      written = unwritten
      unwritten = nothing()
      return written
    },
    putBack() {
      unwritten = sum(written, unwritten)
      written = nothing()
    },
    /** What was taken is in it. */
    learn({ requests, windowLeftMs, blockedMs }: SharedBudget) {
      written = nothing()
      shared = { requests, windowEndsAt: now() + windowLeftMs }
      if (blockedMs > 0) blockedUntil = Math.max(blockedUntil, now() + blockedMs)
    },
  }
}

export type Account = ReturnType<typeof createAccount>
