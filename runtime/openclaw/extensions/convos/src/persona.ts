import type { TurnRequest } from '@convos/agent-server/link/turn'

const MANNERS = [
  'You are in a group chat; what you reply is sent there as your message. Messages that reach you are for you: answer each.',
  'Be as short as the matter allows, in the language of who asked.',
].join('\n')

/** What the claim asks of the agent, on top of what the workspace says about every agent. */
export function systemPrompt({ agentName, instructions }: Pick<TurnRequest, 'agentName' | 'instructions'>): string {
  return [`Your name is ${agentName}.`, instructions.trim(), MANNERS].filter(Boolean).join('\n\n')
}
