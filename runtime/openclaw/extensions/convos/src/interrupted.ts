import { listSessionEntries, patchSessionEntry, type SessionEntry } from 'openclaw/plugin-sdk/session-store-runtime'

const AGENT = 'main'
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

/**
 * A gateway that starts goes on by itself with what the one before it was killed in, tells the conversation so, and takes the message for a
 * repetition when it is asked again. In our conversations asking again is the agent server's to do: with both of them at it a message is answered
 * twice, or not at all. Owners' sessions stay as they are.
 */
export async function closeInterrupted(channel: string): Promise<void> {
  for (const { sessionKey } of listSessionEntries({ agentId: AGENT, readOnly: true }))
    if (sessionKey.startsWith(`agent:${AGENT}:${channel}:`))
      await patchSessionEntry({ agentId: AGENT, sessionKey, preserveActivity: true, update: closing })
}
