import type { SessionEntry } from 'openclaw/plugin-sdk/session-store-runtime'

/** What the gateway remembers of a turn for the time after a restart: how to go on, and that the message was dealt with. */
const REMEMBERED = /^(?:restartRecovery|mainRestartRecovery|pendingFinalDelivery)/

/** What takes it away; null where there is nothing to take away. */
export function closing(entry: SessionEntry): SessionEntry | null {
  const gone = Object.keys(entry).filter((key) => REMEMBERED.test(key))
  const isOpen = entry.status === 'running' || entry.abortedLastRun === true
  if (gone.length === 0 && !isOpen) return null
  return {
    ...Object.fromEntries(gone.map((key) => [key, undefined])),
    ...(isOpen && { status: 'interrupted', abortedLastRun: false }),
  }
}
