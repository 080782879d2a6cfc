import { z } from 'zod'

const TextPart = z.object({ type: z.string(), text: z.string().optional() })

export const ChatMessage = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(TextPart)]).nullish(),
})
export type ChatMessage = z.infer<typeof ChatMessage>

/** The gateway adds such a message after the person's own; nobody said it. */
const INTERNAL_CONTEXT = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>'
const LONGEST_QUOTE = 200

/** A message's words, whichever way they were sent. */
export function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join(' ')
}

/**
 * An answer made from the prompt alone: it names who the instructions say is speaking, what they add to that, and what was
 * said last. The same prompt always gets the same answer.
 */
export function composeReply(messages: ChatMessage[]): string {
  const brief = readBrief(messages)
  const said = lastSaid(messages)
  const remark = brief.addition && `I keep in mind: “${quotable(brief.addition)}”`
  return [isGreeting(said) && 'Hello.', `${leadOf(brief)}: ${acknowledge(said)}`, remark, invitation(said)]
    .filter(Boolean)
    .join(' ')
}

interface Brief {
  name: string | null
  persona: string | null
  /** The first instruction after the persona; without a persona the first at all. */
  addition: string | null
}

const NAME = /^your name is (.+)$/i
const PERSONA = /^(?:you are|you're|act as) (.+)$/i
/** The gateway introduces itself before it quotes the instructions. */
const GATEWAY = /\bOpenClaw\b/i

function readBrief(messages: ChatMessage[]): Brief {
  const instructions = messages.filter(({ role }) => role === 'system' || role === 'developer').map(textOf)
  const paragraphs = instructions.flatMap((text) => text.split(/\n\s*\n/)).map(sentencesOf)
  const isPersona = (sentence: string) => PERSONA.test(sentence) && !GATEWAY.test(sentence)
  // an agent's own part begins with its name; what else belongs to a persona stands with it: later paragraphs are the manners of every agent
  const named = paragraphs.findIndex((sentences) => sentences.some((sentence) => NAME.test(sentence)))
  const isOwn = (sentences: string[]) => sentences.some(isPersona)
  const afterName = named < 0 ? [] : paragraphs.slice(named, named + 2)
  const own = afterName.find(isOwn) ?? afterName[1] ?? paragraphs.find(isOwn) ?? paragraphs.flat()
  const personaAt = own.findIndex(isPersona)
  const addition = own.slice(personaAt + 1).find((sentence) => !PERSONA.test(sentence) && !NAME.test(sentence))
  const name = paragraphs
    .flat()
    .map((sentence) => NAME.exec(sentence)?.[1])
    .find(Boolean)
  const persona = PERSONA.exec(own[personaAt] ?? '')?.[1]
  return { name: name ? withoutStop(name) : null, persona: persona ? withoutStop(persona) : null, addition: addition ?? null }
}

/** Sentences without the marks that Markdown puts before them; headings say nothing by themselves. */
function sentencesOf(text: string): string[] {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(text)
  return [...segments]
    .map(({ segment }) => segment.trim())
    .filter((sentence) => /\p{L}/u.test(sentence) && !sentence.startsWith('#'))
    .map((sentence) => sentence.replace(/^[-*>\s]+/, ''))
}

function leadOf({ name, persona }: Brief): string {
  if (!persona) return name ? `${name} here` : 'Thank you for your message'
  // "Speaking as a pirate", "Speaking as Captain Nemo", but "Being brief and kind".
  const who = quotable(persona)
  const speaking = /^(an?|the|my|our|\p{Lu})/u.test(who) ? `speaking as ${who}` : `being ${who}`
  return name ? `${name} here, ${speaking}` : speaking.replace(/^./, (letter) => letter.toUpperCase())
}

function lastSaid(messages: ChatMessage[]): string {
  const spoken = messages.filter((message) => message.role === 'user' && !textOf(message).startsWith(INTERNAL_CONTEXT))
  const last = spoken.at(-1)
  return last ? unwrapped(textOf(last)) : ''
}

/** The gateway wraps a person's words in facts about the conversation and the run; the lite engine puts the person's name before them. */
function unwrapped(text: string): string {
  const undated = text.replace(/^\[[^\]]*\] (?=Conversation info|Sender)/, '')
  const afterFacts = /^(?:Conversation info|Sender)\b/.test(undated) ? undated.replace(/^(?:[^`]*```[\s\S]*?```)+/, '') : undated
  const withoutRun = afterFacts.replace(/\n+Runtime: agent=[\s\S]*$/, '').trim()
  return withoutRun.replace(/^[\p{L}\p{N}][\p{L}\p{N} ._'-]{0,40}: (?=\S)/u, '')
}

const isGreeting = (said: string) => /^(hi|hello|hey|howdy|hola|good (morning|afternoon|evening)|greetings)\b/i.test(said)
const isQuestion = (said: string) => /\?\s*$/.test(said)

function acknowledge(said: string): string {
  if (!said) return 'how can I help?'
  return `you ${isQuestion(said) ? 'asked' : 'said'} “${quotable(said)}”${/[.!?…]$/.test(quotable(said)) ? '' : '.'}`
}

function invitation(said: string): string {
  if (!said) return ''
  if (isQuestion(said)) return 'Offline I can only answer from my instructions, but your question reached me whole.'
  return isGreeting(said) ? 'What would you like to do first?' : 'Tell me more, and we take it from there.'
}

const withoutStop = (sentence: string) => sentence.replace(/[.!?]+$/, '')

/** One line, of a length that one reads. */
function quotable(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE).trimEnd()}…` : line
}
