import { backoffMs, type Clock, type Logger, Problem } from '@convos/kit/server'
import { Unconfirmed } from '../convos/acks.ts'
import type { Driver } from '../convos/driver.ts'
import type { Inbound } from '../convos/inbound.ts'
import type { Engine, Persona } from '../engine/engine.ts'
import type { Limits } from '../limits.ts'
import { StateLog } from '../state/log.ts'
import { wantsAnswer } from './etiquette.ts'
import { advance, emptyJournal, inContext, Journal, type Remark, Step, type Task } from './journal.ts'
import { Presence } from './presence.ts'

export interface ConversationOptions {
  file: string
  engine: Pick<Engine, 'respond'>
  driver: Pick<Driver, 'act' | 'find' | 'whisper'>
  persona: () => Persona
  clock: Clock
  log: Logger
  limits: Limits
}

/**
 * Hears and answers, one message after the other: each answer knows all that was said before it, and a person who asks twice is
 * answered in order. Beside that, what the agent says of its own accord goes out at once, for it may be said in the midst of an
 * answer. Each step is in the journal before the next is begun, and an id follows from what is answered: a process killed
 * anywhere in between says nothing twice and leaves nothing unanswered.
 */
export class Conversation {
  readonly #p: ConversationOptions
  readonly #journal: StateLog<Journal, Step>
  readonly #presence: Presence
  /** What may have been said, by an earlier process or by this one, without a note that it was. */
  readonly #inDoubt: Set<string>
  #answering: Promise<void> | null = null
  #remarking: Promise<void> | null = null
  /** Nothing further is begun. */
  #closing = false
  /** What is in hand is let go; the journal keeps it. */
  #abort = new AbortController()
  /** Resolves when a remark was dealt with. */
  #remarked = Promise.withResolvers<void>()

  constructor(p: ConversationOptions) {
    this.#p = p
    this.#journal = new StateLog(p.file, { state: Journal, step: Step, advance })
    this.#presence = new Presence(p)
    const { tasks = [], outbox = [] } = this.#journal.state ?? {}
    this.#inDoubt = new Set([...tasks.filter(({ reply }) => reply !== null), ...outbox].map(({ id }) => id))
  }

  get lastActivityAt(): string | null {
    return this.#journal.state?.lastActivityAt ?? null
  }

  /** The agent is in this conversation; what was left over is taken up again. */
  enter(conversationId: string): void {
    if (this.#journal.state?.conversationId !== conversationId) this.#journal.begin(emptyJournal(conversationId))
    this.#work()
  }

  /** Whether it was not heard before. */
  hear(message: Inbound): boolean {
    if (!this.#journal.take({ step: 'heard', message, at: this.#now() })) return false
    this.#presence.heard()
    this.#work()
    return true
  }

  /** A member told of itself. */
  meet(member: Extract<Step, { step: 'met' }>['member']): void {
    this.#journal.take({ step: 'met', member })
  }

  /** Somebody is there to be greeted; happens once. */
  greet(): void {
    const text = `Hi, I'm ${this.#p.persona().agentName}. How can I help?`
    if (this.#journal.take({ step: 'greet', text, at: this.#now() })) this.#work()
  }

  /**
   * Says something of the agent's own accord, once per id however often it is asked for; the id of the message it became.
   * @throws Problem SEND_PENDING: it will be said, but is not yet · SEND_FAILED: it was given up
   */
  async say(remark: Omit<Remark, 'since'>, signal: AbortSignal): Promise<string> {
    this.#journal.take({ step: 'remark', remark: { ...remark, since: this.#now() } })
    this.#work()
    const aborted = Promise.withResolvers<void>()
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      for (;;) {
        const { outbox = [], said = [] } = this.#journal.state ?? {}
        const messageId = said.find(({ id }) => id === remark.id)?.messageId
        if (messageId !== undefined) return messageId
        if (!outbox.some(({ id }) => id === remark.id)) throw new Problem({ status: 502, code: 'SEND_FAILED' })
        if (signal.aborted) {
          const detail = 'it is noted and will be said; ask again with the same id'
          throw new Problem({ status: 504, code: 'SEND_PENDING', detail, headers: { 'Retry-After': '5' } })
        }
        await Promise.race([this.#remarked.promise, aborted.promise])
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Answers from now on know nothing of what was said before. */
  forget(): void {
    this.#journal.take({ step: 'forget' })
  }

  /** Begins nothing more, and gives what is in hand `graceMs` to be finished. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    this.#presence.stop()
    const cut = setTimeout(() => this.#abort.abort(), graceMs)
    await Promise.all([this.#answering, this.#remarking])
    clearTimeout(cut)
  }

  /** Forgets everything that was said. */
  async wipe(): Promise<void> {
    await this.close(0)
    this.#journal.remove()
    this.#closing = false
    this.#abort = new AbortController()
  }

  /** Each lane's end is in the same breath as the look that found nothing more, so that nothing falls in between. */
  #work(): void {
    if (!this.#answering && this.#task()) this.#answering = this.#answer()
    if (!this.#remarking && this.#remark()) this.#remarking = this.#sendRemarks()
  }

  async #answer(): Promise<void> {
    try {
      for (let task = this.#task(); task; task = this.#task()) {
        const messageId = await this.#deal(task, this.#abort.signal)
        this.#journal.take({ step: 'finished', ...this.#ended(messageId) })
        this.#inDoubt.delete(task.id)
      }
    } catch (err) {
      this.#stoppedBy(err)
    } finally {
      this.#answering = null
    }
  }

  async #sendRemarks(): Promise<void> {
    try {
      for (let remark = this.#remark(); remark; remark = this.#remark()) {
        const { id } = remark
        const messageId = await this.#send(remark, `say-${id}`, this.#abort.signal)
        this.#journal.take({ step: 'remarked', id, ...this.#ended(messageId) })
        this.#inDoubt.delete(id)
        this.#remarked.resolve()
        this.#remarked = Promise.withResolvers()
      }
    } catch (err) {
      this.#stoppedBy(err)
    } finally {
      this.#remarking = null
    }
  }

  #stoppedBy(err: unknown): void {
    if (!this.#abort.signal.aborted) this.#p.log.error({ err }, 'the conversation stands still until the next message')
  }

  #task(): Task | undefined {
    return this.#closing ? undefined : this.#journal.state?.tasks[0]
  }

  #remark(): Remark | undefined {
    return this.#closing ? undefined : this.#journal.state?.outbox[0]
  }

  /** Composes where that is not done yet, and says it; null when there is nothing to say or it could not be said. */
  async #deal({ id, message, reply, since }: Task, signal: AbortSignal): Promise<string | null> {
    const replyTo = message?.id ?? null
    if (reply !== null) return await this.#send({ id, text: reply, replyTo, since }, id, signal)
    if (!message) return null
    const { history = [], conversationId = '', session = 0 } = this.#journal.state ?? {}
    const persona = this.#p.persona()
    if (!wantsAnswer(message, persona.agentName, history)) return null
    return await this.#presence.typing(async () => {
      const asRead = { ...message, text: inContext(message, history) }
      const text = await this.#p.engine.respond({ ...persona, conversationId, session, history, message: asRead }, signal)
      if (text === null) return null
      const at = this.#now()
      this.#journal.take({ step: 'composed', reply: text, at })
      return await this.#send({ id, text, replyTo, since: at }, id, signal)
    })
  }

  /** The id of the message on the network; null when it could not be sent. Said under `as`, which some networks keep one of. */
  async #send({ id, text, replyTo, since }: Remark, as: string, signal: AbortSignal): Promise<string | null> {
    const { driver, log, clock, limits } = this.#p
    const command = { type: 'send', id: as, text, ...(replyTo && { replyTo }) } as const
    let isInDoubt = this.#inDoubt.has(id)
    this.#inDoubt.add(id)
    for (let attempt = 1; attempt <= limits.sendAttempts; attempt++) {
      try {
        const found = isInDoubt && since !== null ? await this.#found(text, since, signal) : null
        if (found !== null) return found
        const { messageId } = await driver.act(command, signal)
        return messageId ?? as
      } catch (err) {
        signal.throwIfAborted()
        isInDoubt = !(err instanceof Unconfirmed && err.isRefused)
        log.warn({ err, id, attempt }, 'a message was not sent yet')
        await clock.sleep(backoffMs(attempt, 200, 5_000), signal)
      }
    }
    log.error({ id }, 'a message could not be sent; the next one is not kept waiting')
    return null
  }

  /** What was said in these words since then and is not known to have been said; null when there is nothing of the kind. */
  async #found(text: string, since: string, signal: AbortSignal): Promise<string | null> {
    const ids = await this.#p.driver.find({ text, since }, signal)
    const known = new Set(this.#journal.state?.history.map(({ id }) => id))
    return ids.find((id) => !known.has(id)) ?? null
  }

  #now(): string {
    return this.#p.clock.now().toISOString()
  }

  #ended(messageId: string | null) {
    return { messageId, agentName: this.#p.persona().agentName, at: this.#now() }
  }
}
