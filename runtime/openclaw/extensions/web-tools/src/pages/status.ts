import type { Vars } from '@convos/agent-commands/environment'
import { call } from '@convos/agent-commands/http'
import { z } from 'zod'
import { wordsFor } from '../refusal.ts'
import { servicesClient } from '../services/client.ts'
import { frontSettings, servicesSettings } from '../settings.ts'
import type { Status } from './status-page.ts'

const WAIT = 5_000

const Front = z.object({
  ready: z.boolean(),
  conversation: z.object({ id: z.string().nullable() }).nullable(),
  agentName: z.string().nullish(),
})

/** Asks everybody at once; one that does not answer leaves a sentence in its place. */
export async function readStatus(vars: Vars, expiresAt: Date): Promise<Status> {
  const services = () => servicesClient(servicesSettings(vars), AbortSignal.timeout(WAIT))
  const [agent, tools, credits] = await Promise.all([
    orWords(() => readAgent(vars)),
    orWords(() => services().tools()),
    orWords(() => services().credits()),
  ])
  return { agent, tools, credits, expiresAt }
}

async function readAgent(vars: Vars): Promise<Status['agent']> {
  const front = frontSettings(vars)
  if (!front) return 'There is no agent server in front of this gateway.'
  const headers = { authorization: `Bearer ${front.OPENCLAW_GATEWAY_TOKEN}` }
  const { ready, conversation, agentName } = await call(`${front.AGENT_LINK_URL}/convos/status`, {
    headers,
    reply: Front,
    timeoutMs: WAIT,
  })
  return { name: agentName ?? null, ready, conversationId: conversation?.id ?? null }
}

async function orWords<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await ask()
  } catch (err) {
    return wordsFor(err) ?? 'This cannot be told now.'
  }
}
