import type { Inbound } from '../convos/inbound.ts'
import type { Line } from './journal.ts'

/** So many times in a row agents may talk among themselves; then a person has to say something. */
const AGENT_TURNS = 4

/**
 * Whether a message is for the agent to answer, judged by what was said last (`history`). A person who has the agent to
 * themselves is always answered. Where several persons write, only what is meant for the agent is: what names it, what answers
 * it, and what its last answer's asker says right after it. Another agent has to do one of the first two, and is answered a few
 * times at most before a person speaks again. Reactions never are.
 */
export function wantsAnswer(message: Inbound, agentName: string, history: readonly Line[]): boolean {
  if (message.isReaction) return false
  const isMeant = isNamed(message.text, agentName) || answersSelf(message, history)
  if (message.fromAgent) return isMeant && turnsSincePerson(history) < AGENT_TURNS
  return isMeant || isAlone(message, history) || goesOn(message, history)
}

function isNamed(text: string, name: string): boolean {
  if (name === '') return false
  const words = name.toLowerCase().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(String.raw`(?<![\p{L}\p{N}])${words}(?![\p{L}\p{N}])`, 'u').test(text.toLowerCase())
}

const answersSelf = ({ about }: Inbound, history: readonly Line[]) =>
  about !== undefined && history.some(({ id, from }) => id === about && from === 'self')

const isAlone = ({ senderInboxId }: Inbound, history: readonly Line[]) =>
  history.every(({ from, sender = senderInboxId }) => from !== 'person' || sender === senderInboxId)

/** The exchange before this message was the agent's with its sender; an answer to somebody else is no part of it. */
function goesOn({ senderInboxId, about }: Inbound, history: readonly Line[]): boolean {
  const [asked, answered] = history.slice(-2)
  return about === undefined && answered?.from === 'self' && asked?.sender === senderInboxId
}

function turnsSincePerson(history: readonly Line[]): number {
  const sincePerson = history.slice(history.findLastIndex(({ from }) => from === 'person') + 1)
  return sincePerson.filter(({ from }) => from === 'self').length
}
