import { z } from 'zod'

const SEEN_KEPT = 1_000
const HISTORY_KEPT = 60

const InboundShape = z.object({
  id: z.string(),
  senderInboxId: z.string(),
  senderName: z.string(),
  fromAgent: z.boolean(),
  text: z.string(),
  sentAt: z.string(),
})

const Line = z.object({ from: z.enum(['person', 'agent', 'self']), name: z.string(), text: z.string() })
export type Line = z.infer<typeof Line>

/** Something to be said: an answer to a message, or (without one) the greeting. The id is the same however often it is tried. */
const Task = z.object({ id: z.string(), message: InboundShape.nullable(), reply: z.string().nullable() })
export type Task = z.infer<typeof Task>

/**
 * What the agent heard and said in its conversation. A message is in `tasks` from the moment it was heard until it is dealt
 * with, and its id in `seen` from then on; the reply stands in the task before it is sent, so that a second try says the same.
 */
export const Journal = z.object({
  conversationId: z.string(),
  greeted: z.boolean(),
  tasks: z.array(Task),
  seen: z.array(z.string()),
  /** When the newest of the messages whose ids were forgotten was sent; nothing that is not newer counts as new. */
  horizon: z.string().nullable(),
  history: z.array(Line),
  lastActivityAt: z.string().nullable(),
})
export type Journal = z.infer<typeof Journal>
type Inbound = z.infer<typeof InboundShape>

export const emptyJournal = (conversationId: string): Journal => ({
  conversationId,
  greeted: false,
  tasks: [],
  seen: [],
  horizon: null,
  history: [],
  lastActivityAt: null,
})

/** Notes a message to be dealt with; null when it was heard before. */
export function heard(journal: Journal, message: Inbound, now: Date): Journal | null {
  const { seen, tasks, horizon } = journal
  if (seen.includes(seenKey(message)) || tasks.some((task) => task.message?.id === message.id)) return null
  if (horizon !== null && Date.parse(message.sentAt) <= Date.parse(horizon)) return null
  const task = { id: `reply-${message.id}`, message, reply: null }
  return { ...journal, tasks: [...tasks, task], lastActivityAt: now.toISOString() }
}

/** Notes the greeting to be sent; null when there was one, or when the conversation has begun without. */
export function toGreet(journal: Journal, text: string): Journal | null {
  if (journal.greeted) return null
  const begun = journal.tasks.length > 0 || journal.history.length > 0
  const greeting = { id: `greeting-${journal.conversationId}`, message: null, reply: text }
  return { ...journal, greeted: true, tasks: begun ? journal.tasks : [greeting] }
}

/** The first task with what is to be said. */
export const composed = (journal: Journal, reply: string): Journal => ({
  ...journal,
  tasks: journal.tasks.map((task, index) => (index === 0 ? { ...task, reply } : task)),
})

/** The first task is dealt with: said, or (`said` false) left unanswered. */
export function finished(journal: Journal, p: { said: boolean; agentName: string; now: Date }): Journal {
  const [task, ...tasks] = journal.tasks
  if (!task) return journal
  const { message, reply } = task
  const lines: Line[] = [
    ...(message
      ? [{ from: message.fromAgent ? ('agent' as const) : ('person' as const), name: message.senderName, text: message.text }]
      : []),
    ...(p.said && reply !== null ? [{ from: 'self' as const, name: p.agentName, text: reply }] : []),
  ]
  const seen = message ? [...journal.seen, seenKey(message)] : journal.seen
  // senders date their messages: one from the future must not make all that follow look old
  const forgotten = seen
    .slice(0, -SEEN_KEPT)
    .map(sentAtOf)
    .filter((sentAt) => Date.parse(sentAt) <= p.now.getTime())
  return {
    ...journal,
    tasks,
    seen: seen.slice(-SEEN_KEPT),
    horizon: [journal.horizon, ...forgotten].reduce(later, null),
    history: [...journal.history, ...lines].slice(-HISTORY_KEPT),
    lastActivityAt: p.now.toISOString(),
  }
}

/** The id together with the time it was sent at, which is what remains of it once it is forgotten. */
const seenKey = ({ id, sentAt }: Pick<Inbound, 'id' | 'sentAt'>) => `${sentAt} ${id}`
const sentAtOf = (key: string) => key.slice(0, key.indexOf(' '))
const later = (a: string | null, b: string | null) => (a === null || (b !== null && Date.parse(b) > Date.parse(a)) ? b : a)
