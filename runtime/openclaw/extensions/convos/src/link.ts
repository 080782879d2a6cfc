import type { LinkSettings } from './settings.ts'

/** Asks the agent server to do something in the conversation. @throws Error in words for the agent */
export async function act({ url, token }: LinkSettings, action: object): Promise<unknown> {
  const res = await fetch(`${url}/link/actions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(action),
    signal: AbortSignal.timeout(60_000),
  })
  const answer: unknown = await res.json().catch(() => null)
  if (!res.ok) throw new Error(`the conversation refused it (${res.status}): ${JSON.stringify(answer)}`)
  return answer
}
