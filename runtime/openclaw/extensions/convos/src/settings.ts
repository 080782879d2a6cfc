import { z } from 'zod'

const Env = z.object({ AGENT_LINK_URL: z.url(), AGENT_LINK_TOKEN: z.string().min(16) })

export interface LinkSettings {
  /** The agent server's, on this machine. */
  url: string
  token: string
}

/** How to reach the agent server that started this gateway; null in one that somebody else started. */
export function readLinkSettings(env: NodeJS.ProcessEnv): LinkSettings | null {
  const read = Env.safeParse(env)
  return read.success ? { url: read.data.AGENT_LINK_URL, token: read.data.AGENT_LINK_TOKEN } : null
}
