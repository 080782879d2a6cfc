import { z } from 'zod'
import { NOBODY } from '../convos/inbound.ts'

const SEEN_KEPT = 1_000
const HISTORY_KEPT = 60
const SAID_KEPT = 200
const MEMBERS_KEPT = 200

const InboundShape = z.object({
  id: z.string(),
  senderInboxId: z.string(),
  senderName: z.string(),
  fromAgent: z.boolean(),
  text: z.string(),
  sentAt: z.string(),
  about: z.string().optional(),
  isReaction: z.literal(true).optional(),
})
type Inbound = z.infer<typeof InboundShape>

/** `id`: the message as the network knows it; `sender`: who wrote it. */
const Line = z.object({
  from: z.enum(['person', 'agent', 'self']),
  name: z.string(),
  text: z.string(),
  id: z.string().optional(),
  sender: z.string().optional(),
})
export type Line = z.infer<typeof Line>

/** Since when it is to be said in these words, RFC 3339: from then on it may have been. */
const Since = z.string().nullable().default(null)

/**
 * Something to be said: an answer to a message, or (without one) the greeting. The id is the same however often it is tried. `session`: of the
 * journal when it came up.
 */
const Task = z.object({
  id: z.string(),
  message: InboundShape.nullable(),
  reply: z.string().nullable(),
  since: Since,
  session: z.number().int().default(0),
})
export type Task = z.infer<typeof Task>

/** Something the agent says of its own accord. */
const Remark = z.object({ id: z.string(), text: z.string(), replyTo: z.string().nullable(), since: Since })
export type Remark = z.infer<typeof Remark>

/** What a member told of itself, where its messages do not. */
const Member = z.object({ inboxId: z.string(), name: z.string().nullable(), isAgent: z.boolean().nullable() })
type Member = z.infer<typeof Member>

/**
 * What the agent heard and said in its conversation. A message is in `tasks` from the moment it was heard until it is dealt
 * with, and its id in `seen` from then on; the reply stands in the task before it is sent, so that a second try says the same.
 */
export const Journal = z.object({
  conversationId: z.string(),
  greeted: z.boolean(),
  tasks: z.array(Task),
  /** What is said of the agent's own accord waits here until it is sent, and stands in `said` afterwards. */
  outbox: z.array(Remark).default([]),
  said: z.array(z.object({ id: z.string(), messageId: z.string() })).default([]),
  members: z.array(Member).default([]),
  seen: z.array(z.string()),
  /** When the newest of the messages whose ids were forgotten was sent; nothing that is not newer counts as new. */
  horizon: z.string().nullable(),
  history: z.array(Line),
  /** How often the history was forgotten on demand. */
  session: z.number().int().default(0),
  lastActivityAt: z.string().nullable(),
})
export type Journal = z.infer<typeof Journal>

export const emptyJournal = (conversationId: string): Journal => ({
  conversationId,
  greeted: false,
  tasks: [],
  outbox: [],
  said: [],
  members: [],
  seen: [],
  horizon: null,
  history: [],
  session: 0,
  lastActivityAt: null,
})

/** How it ended; `messageId`: the network's name for what was said, null when nothing was. `at`: RFC 3339. */
const Ended = { messageId: z.string().nullable(), agentName: z.string(), at: z.string() }

/** Everything that ever changes a journal. What is on the disk is a journal and the steps since. */
export const Step = z.discriminatedUnion('step', [
  z.object({ step: z.literal('met'), member: Member }),
  z.object({ step: z.literal('heard'), message: InboundShape, at: z.string() }),
  z.object({ step: z.literal('greet'), text: z.string(), at: z.string() }),
  /** What is to be said to the first task. */
  z.object({ step: z.literal('composed'), reply: z.string(), at: z.string() }),
  z.object({ step: z.literal('finished'), ...Ended }),
  z.object({ step: z.literal('remark'), remark: Remark }),
  z.object({ step: z.literal('remarked'), id: z.string(), ...Ended }),
  z.object({ step: z.literal('forget') }),
])
export type Step = z.infer<typeof Step>

/** The journal after a step; null when the step changes nothing, e.g. a message that was heard before. */
export function advance(journal: Journal, step: Step): Journal | null {
  switch (step.step) {
    case 'met':
      return met(journal, step.member)
    case 'heard':
      return heard(journal, step.message, step.at)
    case 'greet':
      return toGreet(journal, step)
    case 'composed': {
      const [task, ...tasks] = journal.tasks
      return task ? { ...journal, tasks: [{ ...task, reply: step.reply, since: step.at }, ...tasks] } : null
    }
    case 'finished':
      return finished(journal, step)
    case 'remark':
      return isKnown(journal, step.remark.id) ? null : { ...journal, outbox: [...journal.outbox, step.remark] }
    case 'remarked':
      return remarked(journal, step)
    default: // forget
      return { ...journal, history: [], session: journal.session + 1 }
  }
}

function heard(journal: Journal, message: Inbound, at: string): Journal | null {
  const { seen, tasks, horizon } = journal
  if (seen.includes(seenKey(message)) || tasks.some((task) => task.message?.id === message.id)) return null
  if (horizon !== null && Date.parse(message.sentAt) <= Date.parse(horizon)) return null
  const task = {
    id: `reply-${message.id}`,
    message: introduced(message, journal),
    reply: null,
    since: null,
    session: journal.session,
  }
  return { ...journal, tasks: [...tasks, task], lastActivityAt: at }
}

/** What is new of a member; what it does not tell now stays as it was. */
function met(journal: Journal, { inboxId, name, isAgent }: Member): Journal | null {
  const known = journal.members.find((member) => member.inboxId === inboxId)
  const member = { inboxId, name: name ?? known?.name ?? null, isAgent: isAgent ?? known?.isAgent ?? null }
  if (member.name === known?.name && member.isAgent === known.isAgent) return null
  return { ...journal, members: [...journal.members.filter((each) => each !== known), member].slice(-MEMBERS_KEPT) }
}

/** The message with what is known of its sender: what it told of itself, else how it was heard last. */
function introduced(message: Inbound, { members, history }: Journal): Inbound {
  const { senderInboxId, senderName, fromAgent } = message
  const member = members.find(({ inboxId }) => inboxId === senderInboxId)
  const before = senderName === NOBODY ? history.findLast(({ sender }) => sender === senderInboxId) : undefined
  return {
    ...message,
    senderName: senderName === NOBODY ? (member?.name ?? before?.name ?? NOBODY) : senderName,
    fromAgent: fromAgent || (member?.isAgent ?? before?.from === 'agent'),
  }
}

/** Once, and not where the conversation has begun without. */
function toGreet(journal: Journal, { text, at }: { text: string; at: string }): Journal | null {
  if (journal.greeted) return null
  const begun = journal.tasks.length > 0 || journal.history.length > 0
  const greeting = { id: `greeting-${journal.conversationId}`, message: null, reply: text, since: at, session: journal.session }
  return { ...journal, greeted: true, tasks: begun ? journal.tasks : [greeting] }
}

/** The first task is dealt with. */
function finished(journal: Journal, p: { messageId: string | null; agentName: string; at: string }): Journal | null {
  const [task, ...tasks] = journal.tasks
  if (!task) return null
  const { message, reply, session } = task
  // what came up before the history was forgotten is not remembered, however late it is dealt with
  const lines =
    session === journal.session
      ? [
          ...(message ? [lineOf(message, journal.history)] : []),
          ...(p.messageId !== null && reply !== null ? [ownLine(p.agentName, reply, p.messageId)] : []),
        ]
      : []
  const seen = message ? [...journal.seen, seenKey(message)] : journal.seen
  // senders date their messages: one from the future must not make all that follow look old
  const forgotten = seen
    .slice(0, -SEEN_KEPT)
    .map(sentAtOf)
    .filter((sentAt) => Date.parse(sentAt) <= Date.parse(p.at))
  return {
    ...journal,
    tasks,
    seen: seen.slice(-SEEN_KEPT),
    horizon: [journal.horizon, ...forgotten].reduce(later, null),
    history: [...journal.history, ...lines].slice(-HISTORY_KEPT),
    lastActivityAt: p.at,
  }
}

function remarked(journal: Journal, p: { id: string; messageId: string | null; agentName: string; at: string }): Journal | null {
  const remark = journal.outbox.find(({ id }) => id === p.id)
  if (!remark) return null
  const outbox = journal.outbox.filter((each) => each !== remark)
  if (p.messageId === null) return { ...journal, outbox }
  return {
    ...journal,
    outbox,
    said: [...journal.said, { id: p.id, messageId: p.messageId }].slice(-SAID_KEPT),
    history: [...journal.history, ownLine(p.agentName, remark.text, p.messageId)].slice(-HISTORY_KEPT),
    lastActivityAt: p.at,
  }
}

const isKnown = ({ outbox, said }: Journal, id: string) => [...outbox, ...said].some((each) => each.id === id)

const lineOf = (message: Inbound, history: readonly Line[]): Line => ({
  from: message.fromAgent ? 'agent' : 'person',
  name: message.senderName,
  text: inContext(message, history),
  id: message.id,
  sender: message.senderInboxId,
})

const ownLine = (name: string, text: string, id: string): Line => ({ from: 'self', name, text, id })

/** Of the message that another one is about, as much as recalls it. */
const QUOTED = 120

/** A message's text as whoever answers it should read it: together with what it is about, as far as that is remembered. */
export function inContext({ about, text }: Inbound, history: readonly Line[]): string {
  const line = about === undefined ? undefined : history.findLast(({ id }) => id === about)
  if (!line) return text
  const words = line.text.replaceAll(/\s+/g, ' ')
  const quote = words.length > QUOTED ? `${words.slice(0, QUOTED).toWellFormed()}…` : words
  return `(about what ${line.from === 'self' ? 'you' : line.name} said: “${quote}”) ${text}`
}

/** The id together with the time it was sent at, which is what remains of it once it is forgotten. */
const seenKey = ({ id, sentAt }: Pick<Inbound, 'id' | 'sentAt'>) => `${sentAt} ${id}`
const sentAtOf = (key: string) => key.slice(0, key.indexOf(' '))
const later = (a: string | null, b: string | null) => (a === null || (b !== null && Date.parse(b) > Date.parse(a)) ? b : a)
