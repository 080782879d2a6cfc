import type { Turn } from './engine.ts'

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** Of what was said before, the latest that fits. */
const HISTORY_CHARS = 24_000

const MANNERS = [
  'You are in a group chat. Messages of the others begin with the name of who wrote them; your own do not.',
  'Answer the latest message. Be as short as the matter allows, in the language of who asked.',
  'Say so when you do not know something. Never pretend to have done what you did not do.',
].join('\n')

/** The prompt of one turn: who the agent is, how one behaves in a group, what was said, and what is to be answered. */
export function promptOf({ agentName, instructions, history, message }: Turn): ChatMessage[] {
  const system = [`Your name is ${agentName}.`, instructions.trim(), MANNERS].filter(Boolean).join('\n\n')
  const before = history.map<ChatMessage>((line) =>
    line.from === 'self' ? { role: 'assistant', content: line.text } : { role: 'user', content: `${line.name}: ${line.text}` },
  )
  const said: ChatMessage = { role: 'user', content: `${message.senderName}: ${message.text}` }
  return [{ role: 'system', content: system }, ...latest(before, HISTORY_CHARS), said]
}

function latest(messages: ChatMessage[], chars: number): ChatMessage[] {
  let left = chars
  const from = messages.findLastIndex(({ content }) => (left -= content.length) < 0)
  return messages.slice(from + 1)
}
