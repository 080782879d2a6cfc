import { type Command, confirmed, refused } from './commands.ts'
import type { FailedEvent, SentEvent } from './events.ts'

/** The command was not confirmed: `refused` when it certainly was not carried out, else nobody knows. */
export class Unconfirmed extends Error {
  override name = 'Unconfirmed'
  readonly isRefused: boolean
  constructor(message: string, p: { isRefused: boolean }) {
    super(message)
    this.isRefused = p.isRefused
  }
}

/** What was sent, under the network's name for it where it gave one. */
export interface Receipt {
  messageId: string | null
}

/** The commands that one process was given and has not answered yet. */
export class Acks {
  readonly #underWay = new Map<Command, PromiseWithResolvers<Receipt>>()

  /** Resolves once confirmed; rejects with `Unconfirmed` when it failed, when `timeoutMs` have passed, or when `signal` aborts. */
  async expect(
    command: Command,
    p: { timeoutMs: number; signal: AbortSignal; whenGone: () => Receipt | null },
  ): Promise<Receipt> {
    const answer = Promise.withResolvers<Receipt>()
    this.#underWay.set(command, answer)
    const unknown = (why: string) => answer.reject(new Unconfirmed(`convos ${why} (${command.type})`, { isRefused: false }))
    const late = setTimeout(() => unknown('did not confirm it in time'), p.timeoutMs)
    const gone = () => {
      const receipt = p.whenGone()
      if (receipt) answer.resolve(receipt)
      else unknown('went away before it had confirmed it')
    }
    p.signal.addEventListener('abort', gone, { once: true })
    if (p.signal.aborted) gone()
    try {
      return await answer.promise
    } finally {
      clearTimeout(late)
      p.signal.removeEventListener('abort', gone)
      this.#underWay.delete(command)
    }
  }

  sent(event: SentEvent): void {
    const command = confirmed([...this.#underWay.keys()], event)
    if (command) this.#take(command)?.resolve({ messageId: event.id ?? null })
  }

  failed(event: FailedEvent): void {
    const command = refused([...this.#underWay.keys()], event)
    // a text that failed lies in the outbox of the identity, and may go out with what is sent next
    if (command) this.#take(command)?.reject(new Unconfirmed(event.message, { isRefused: command.type !== 'send' }))
  }

  /** At once, so that the next answer is not taken for it again. */
  #take(command: Command): PromiseWithResolvers<Receipt> | undefined {
    const answer = this.#underWay.get(command)
    this.#underWay.delete(command)
    return answer
  }
}
