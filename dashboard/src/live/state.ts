import type { ApiError } from '../api/errors.ts'

/** How the stream of news stands. What is on screen is of `since` unless it is `live`. */
export type LiveState =
  | { is: 'connecting' }
  | { is: 'live' }
  | {
      /** `reconnecting`: just lost, and asked for again at once. `offline`: that did not help. */
      is: 'reconnecting' | 'offline'
      /** When it was lost; null: it never was there. */
      since: number | null
      /** Failed attempts in a row. */
      attempts: number
      /** When it is asked for again. */
      retryAt: number
    }

export const AT_FIRST: LiveState = { is: 'connecting' }

const OFFLINE_AFTER = 2
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000

/** After a failure: when to try again, half of it by chance, so that not all come back at the same moment. */
export function lost(state: LiveState, { now, chance }: { now: number; chance: number }): LiveState {
  const down = state.is === 'reconnecting' || state.is === 'offline' ? state : null
  const attempts = (down?.attempts ?? 0) + 1
  const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1)) * (0.5 + chance / 2)
  return {
    is: attempts >= OFFLINE_AFTER ? 'offline' : 'reconnecting',
    since: down ? down.since : state.is === 'live' ? now : null,
    attempts,
    retryAt: now + waitMs,
  }
}

/** Whether the banner says it already: nothing is reached, and what was read before is still on screen. */
export const isToldByBanner = (state: LiveState, error: Pick<ApiError, 'code'> | null, isShown: boolean): boolean =>
  isShown && error?.code === 'UNREACHABLE' && state.is === 'offline'
