import { z } from 'zod'

const Env = z.object({ AGENT_LINK_URL: z.url(), AGENT_LINK_TOKEN: z.string().min(16) })

export interface LinkSettings {
  /** The agent server's, on this machine. */
  url: string
  token: string
}

const Keys = z.object({ OPENROUTER_API_KEY: z.string().default(''), ANTHROPIC_API_KEY: z.string().default('') })

/** Who is asked for a model that a claim names: Anthropic only where there is no key of OpenRouter. */
export type ModelSource = 'openrouter' | 'anthropic'

export function readModelSource(env: NodeJS.ProcessEnv): ModelSource {
  const { OPENROUTER_API_KEY, ANTHROPIC_API_KEY } = Keys.parse(env)
  return ANTHROPIC_API_KEY && !OPENROUTER_API_KEY ? 'anthropic' : 'openrouter'
}

/** How to reach the agent server that started this gateway; null in one that somebody else started. */
export function readLinkSettings(env: NodeJS.ProcessEnv): LinkSettings | null {
  const read = Env.safeParse(env)
  return read.success ? { url: read.data.AGENT_LINK_URL, token: read.data.AGENT_LINK_TOKEN } : null
}
