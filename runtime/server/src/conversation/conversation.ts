import { backoffMs, type Clock, type Logger } from '@convos/kit/server'
import type { Inbound } from '../convos/events.ts'
import type { Driver } from '../convos/driver.ts'
import type { Engine, Persona } from '../engine/engine.ts'
import type { Limits } from '../limits.ts'
import { readState, removeState, writeState } from '../state/files.ts'
import { wantsAnswer } from './etiquette.ts'
import { composed, emptyJournal, finished, heard, Journal, type Task, toGreet } from './journal.ts'

export interface ConversationOptions {
  file: string
  engine: Pick<Engine, 'respond'>
  driver: Pick<Driver, 'send'>
  persona: () => Persona
  clock: Clock
  log: Logger
  limits: Limits
}

/**
 * Hears and answers, one message after the other. Each step is in the journal before the next is begun, and a reply's id follows
 * from the message's: a process killed anywhere in between says nothing twice and leaves nothing unanswered.
 */
export class Conversation {
  readonly #p: ConversationOptions
  #journal: Journal | null
  #working: Promise<void> | null = null
  /** No further message is begun. */
  #closing = false
  /** The message in hand is let go; the journal keeps it. */
  #abort = new AbortController()

  constructor(p: ConversationOptions) {
    this.#p = p
    this.#journal = readState(p.file, Journal)
  }

  get lastActivityAt(): string | null {
    return this.#journal?.lastActivityAt ?? null
  }

  /** The agent is in this conversation; what was left over is taken up again. */
  enter(conversationId: string): void {
    if (this.#journal?.conversationId !== conversationId) this.#write(emptyJournal(conversationId))
    this.#work()
  }

  hear(message: Inbound): void {
    const next = this.#journal && heard(this.#journal, message, this.#p.clock.now())
    if (!next) return
    this.#write(next)
    this.#work()
  }

  /** Somebody is there to be greeted; happens once. */
  greet(): void {
    const next = this.#journal && toGreet(this.#journal, `Hi, I'm ${this.#p.persona().agentName}. How can I help?`)
    if (!next) return
    this.#write(next)
    this.#work()
  }

  /** Begins nothing more, and gives the message in hand `graceMs` to be finished. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    const cut = setTimeout(() => this.#abort.abort(), graceMs)
    await this.#working
    clearTimeout(cut)
  }

  /** Forgets everything that was said. */
  async wipe(): Promise<void> {
    await this.close(0)
    removeState(this.#p.file)
    this.#journal = null
    this.#closing = false
    this.#abort = new AbortController()
  }

  #work(): void {
    if (!this.#working && this.#next()) this.#working = this.#run()
  }

  async #run(): Promise<void> {
    const { persona, clock, log } = this.#p
    const { signal } = this.#abort
    try {
      for (let task = this.#next(); task; task = this.#next()) {
        const said = await this.#deal(task, signal)
        this.#update((journal) => finished(journal, { said, agentName: persona().agentName, now: clock.now() }))
      }
    } catch (err) {
      if (!signal.aborted) log.error({ err }, 'the conversation stands still until the next message')
    } finally {
      // in the same breath as the look that found nothing more, so that no message falls in between
      this.#working = null
    }
  }

  #next(): Task | undefined {
    return this.#closing ? undefined : this.#journal?.tasks[0]
  }

  /** Composes where that is not done yet, and says it; false when there is nothing to say or it could not be said. */
  async #deal(task: Task, signal: AbortSignal): Promise<boolean> {
    const { engine, persona, log, clock, limits } = this.#p
    const history = this.#journal?.history ?? []
    const { message } = task
    let { reply } = task
    if (message && reply === null) {
      if (!wantsAnswer(message, persona().agentName, history)) return false
      const text = await engine.respond({ ...persona(), history, message }, signal)
      if (text === null) return false
      reply = text
      this.#update((journal) => composed(journal, text))
    }
    if (reply === null) return false
    for (let attempt = 1; attempt <= limits.sendAttempts; attempt++) {
      try {
        await this.#p.driver.send({ id: task.id, text: reply, replyTo: message?.id ?? null }, signal)
        return true
      } catch (err) {
        signal.throwIfAborted()
        log.warn({ err, messageId: message?.id, attempt }, 'the reply was not sent yet')
        await clock.sleep(backoffMs(attempt, 200, 5_000), signal)
      }
    }
    log.error({ messageId: message?.id }, 'the reply could not be sent; the next message is not kept waiting')
    return false
  }

  #update(change: (journal: Journal) => Journal): void {
    if (this.#journal) this.#write(change(this.#journal))
  }

  #write(journal: Journal): void {
    writeState(this.#p.file, journal)
    this.#journal = journal
  }
}
