import type { Inbound } from '../convos/events.ts'
import type { Line } from './journal.ts'

/** So many times in a row agents may talk among themselves; then a person has to say something. */
const AGENT_TURNS = 4

/** Whether a message is for the agent to answer: each one of a person, of another agent only what is said to it by name. */
export function wantsAnswer(message: Inbound, agentName: string, history: readonly Line[]): boolean {
  if (!message.fromAgent) return true
  const sincePerson = history.slice(history.findLastIndex((line) => line.from === 'person') + 1)
  const answered = sincePerson.filter((line) => line.from === 'self').length
  return answered < AGENT_TURNS && isAddressed(message.text, agentName)
}

function isAddressed(text: string, name: string): boolean {
  const words = name.toLowerCase().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\p{L}\p{N}])${words}(?![\p{L}\p{N}])`, 'u').test(text.toLowerCase())
}
