import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

const Command = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  text: z.string().optional(),
  replyTo: z.string().optional(),
  name: z.string().optional(),
})
export type Command = z.infer<typeof Command>
const Question = z.object({
  op: z.enum(['create', 'attach', 'command', 'events', 'list', 'messages', 'join']),
  inboxId: z.string(),
  conversationId: z.string().optional(),
  name: z.string().optional(),
  agentName: z.string().optional(),
  after: z.number().default(0),
  command: Command.optional(),
  env: z.array(z.string()).optional(),
  url: z.string().optional(),
})
type Question = z.infer<typeof Question>

interface Said {
  id: string
  by: string
  text: string
  replyTo: string | null
  sentAt: string
}

export interface FakeConversation {
  id: string
  inviteUrl: string
  name: string
  members: Set<string>
  /** Names the agent was shown under, the latest last. */
  names: string[]
  said: Said[]
  events: unknown[]
}

const Heard = z.object({
  event: z.literal('message'),
  id: z.string(),
  senderInboxId: z.string(),
  contentType: z.unknown(),
  content: z.unknown(),
  sentAt: z.string(),
})

/** As the real command lists them: nobody's profile, and what answers another message in one string with that. */
function listed({ said, events }: FakeConversation): object[] {
  const theirs = events.map((event) => Heard.safeParse(event).data).filter((message) => message !== undefined)
  const own = said.map(({ id, by, text: content, replyTo, sentAt }) => ({
    id,
    senderInboxId: by,
    contentType: { authorityId: 'xmtp.org', typeId: replyTo === null ? 'text' : 'reply' },
    content: replyTo === null ? content : `reply to "what it says" (${replyTo}): ${content}`,
    sentAt,
  }))
  return [...theirs, ...own].toSorted((a, b) => Date.parse(b.sentAt) - Date.parse(a.sentAt))
}

interface Gate {
  /** Resolves when the first question stands at the gate. */
  reached: Promise<void>
  /** How many have come so far. */
  count(): number
  open(): void
  /** Lets nobody through: those who wait get a failure, and their questions have no effect. */
  refuse(): void
}

/** The Convos network of a test: lives in the test's own process, so that it outlives whatever the test kills. */
export class FakeNetwork {
  readonly conversations = new Map<string, FakeConversation>()
  readonly questions: Question[] = []
  /** What becomes of a request to join. */
  door: 'open' | 'closed' | 'refusing' = 'open'
  /** Whether an attached agent is told everything again, or only what is new. */
  replays = true
  /** Whether a text sent again under its id is the same message; if not, the network names each one itself. */
  keepsIds = true
  /** Commands as they came, texts and all. */
  readonly commands: Command[] = []
  /** Types of commands that fail, and that are never confirmed. */
  readonly refuses = new Set<string>()
  readonly ignores = new Set<string>()
  /** Questions that fail. */
  readonly down = new Set<Question['op']>()
  readonly #gates = new Map<string, { wait: Promise<boolean>; arrive: () => void }>()
  readonly #server: Server
  #wake = Promise.withResolvers<void>()

  private constructor() {
    this.#server = createServer((req, res) => {
      void (async () => {
        const question = Question.parse(JSON.parse(await text(req)))
        this.questions.push(question)
        const passed = await this.#pass(`before ${question.op}`)
        if (!passed || this.down.has(question.op)) return res.writeHead(503).end()
        const answer = await this.#answer(question)
        await this.#pass(`after ${question.op}`)
        if (answer === null) return res.writeHead(404).end()
        return res.end(JSON.stringify(answer))
      })()
    })
  }

  static async start(): Promise<FakeNetwork> {
    const network = new FakeNetwork()
    await new Promise<void>((resolve) => network.#server.listen(0, '127.0.0.1', resolve))
    return network
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Holds every such question until the gate is opened: before it has its effect, or before its answer is given. */
  gate(when: 'before' | 'after', op: Question['op']): Gate {
    const opened = Promise.withResolvers<boolean>()
    const reached = Promise.withResolvers<void>()
    let count = 0
    const arrive = () => {
      count++
      reached.resolve()
    }
    const end = (pass: boolean) => {
      this.#gates.delete(`${when} ${op}`)
      opened.resolve(pass)
    }
    this.#gates.set(`${when} ${op}`, { wait: opened.promise, arrive })
    return {
      reached: reached.promise,
      count: () => count,
      open: () => end(true),
      refuse: () => end(false),
    }
  }

  /** A conversation of others, to be joined. */
  foreign(id = 'conv-foreign'): FakeConversation {
    return this.#conversation(id, 'Friends')
  }

  get only(): FakeConversation {
    const [only, ...rest] = this.conversations.values()
    if (!only || rest.length > 0) throw new Error(`expected one conversation, there are ${this.conversations.size}`)
    return only
  }

  /** Prints a line on the stdout of whoever is attached, as it is or as JSON. */
  emit(conversation: FakeConversation, event: unknown): void {
    conversation.events.push(event)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  personJoins(conversation: FakeConversation, inboxId = 'inbox-alice'): void {
    this.emit(conversation, { event: 'member_joined', inboxId })
  }

  say(conversation: FakeConversation, content: string, p: { id?: string; by?: string; kind?: 'person' | 'agent' } = {}): string {
    const { by = 'Alice', kind = 'person', id = `m${conversation.events.length}` } = p
    this.emit(conversation, {
      event: 'message',
      id,
      senderInboxId: `inbox-${by.toLowerCase()}`,
      senderProfile: { name: by, kind },
      contentType: { authorityId: 'xmtp.org', typeId: 'text' },
      content,
      sentAt: new Date().toISOString(),
    })
    return id
  }

  #conversation(id: string, name: string): FakeConversation {
    const inviteUrl = `https://invite.example/v2?i=${id}`
    const conversation = { id, inviteUrl, name, members: new Set<string>(), names: [], said: [], events: [] }
    this.conversations.set(id, conversation)
    return conversation
  }

  async #pass(place: string): Promise<boolean> {
    const gate = this.#gates.get(place)
    gate?.arrive()
    return (await gate?.wait) ?? true
  }

  async #answer(q: Question): Promise<unknown> {
    if (q.op === 'create') {
      const created = this.#conversation(`conv-${this.conversations.size + 1}`, q.name ?? '')
      created.members.add(q.inboxId)
      return this.#seat(created, q)
    }
    if (q.op === 'list') {
      const mine = [...this.conversations.values()].filter(({ members }) => members.has(q.inboxId))
      return mine.length > 0 ? mine.map(({ id }) => ({ conversationId: id })) : { message: 'none', count: 0 }
    }
    if (q.op === 'join') return this.#join(q)
    const conversation = this.conversations.get(q.conversationId ?? '')
    if (!conversation?.members.has(q.inboxId)) return null
    if (q.op === 'messages') return listed(conversation)
    if (q.op === 'attach') return this.#seat(conversation, q)
    if (q.op === 'command') return this.#obey(conversation, q)
    while (conversation.events.length <= q.after) await this.#wake.promise
    return { events: conversation.events.slice(q.after).map((event) => ({ event })) }
  }

  #seat(conversation: FakeConversation, { agentName = '' }: Question) {
    conversation.names.push(agentName)
    const { id, name, inviteUrl, events } = conversation
    return { conversationId: id, name, inviteUrl, after: this.replays ? 0 : events.length }
  }

  #join({ url, inboxId }: Question) {
    const conversation = [...this.conversations.values()].find(({ inviteUrl }) => inviteUrl === url)
    if (!conversation) return null
    if (this.door === 'open') conversation.members.add(inboxId)
    if (this.door === 'refusing') return { status: 'refused' }
    return conversation.members.has(inboxId) ? { status: 'joined', conversationId: conversation.id } : { status: 'request_sent' }
  }

  /** Commands of these types, in order. */
  commanded(...types: string[]): Command[] {
    return this.commands.filter(({ type }) => types.includes(type))
  }

  #obey(conversation: FakeConversation, { inboxId, command }: Question) {
    if (!command) return {}
    const { type } = command
    this.commands.push(command)
    if (this.refuses.has(type)) return { event: 'error', type, message: `no ${type} here` }
    if (this.ignores.has(type) || type === 'typing' || type === 'read-receipt' || type === 'thinking') return {}
    if (command.type === 'update-profile') conversation.names.push(command.name ?? '')
    if (command.type === 'rename') conversation.name = command.name ?? ''
    if (type === 'explode') return { event: 'sent', type, exit: command['scheduled'] === undefined }
    if (type !== 'send') return { event: 'sent', id: `sent-${this.commands.length}`, type }
    const { text: said = '', replyTo = null } = command
    const id = this.keepsIds ? (command.id ?? '') : `network-${conversation.said.length}`
    if (!conversation.said.some((message) => message.id === id))
      conversation.said.push({ id, by: inboxId, text: said, replyTo, sentAt: new Date().toISOString() })
    return { event: 'sent', id, type: 'text', text: said }
  }
}
