import type { TurnRequest } from '@convos/agent-server/link/turn'

/** What the claim asks of the agent, on top of what the workspace says about every agent. */
export const systemPrompt = ({ agentName, instructions }: Pick<TurnRequest, 'agentName' | 'instructions'>): string =>
  [`Your name is ${agentName}.`, instructions.trim()].filter(Boolean).join('\n\n')
