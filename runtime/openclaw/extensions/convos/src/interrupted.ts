import { listSessionEntries, patchSessionEntry } from 'openclaw/plugin-sdk/session-store-runtime'
import { closing } from './closing.ts'

const AGENT = 'main'

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
