import { ACTIONS_PATH, type LinkAction, LinkActionReply } from '@convos/agent-server/link/actions'
import { z } from 'zod'
import type { LinkSettings } from './settings.ts'

/** As the caller writes it: what has a default may be left out. */
export type Action = z.input<typeof LinkAction>

const ACTION_MS = 60_000
const Refusal = z.object({ code: z.string(), detail: z.string().optional() })

/**
 * Has the agent server do something in the conversation; answers the network's id of what was sent, where there is one.
 * @throws Error in words for the agent
 */
export async function act({ url, token }: LinkSettings, action: Action): Promise<string | null> {
  const res = await fetch(url + ACTIONS_PATH, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(action),
    signal: AbortSignal.timeout(ACTION_MS),
  })
  const answer: unknown = await res.json().catch(() => null)
  if (res.ok) return LinkActionReply.parse(answer).messageId
  const { data } = Refusal.safeParse(answer)
  throw new Error(`the conversation did not take it: ${data ? (data.detail ?? data.code) : res.status}`)
}
