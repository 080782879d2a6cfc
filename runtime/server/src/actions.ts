import { randomUUID } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { sep } from 'node:path'
import { Problem } from '@convos/kit/server'
import type { Binder } from './binding/binder.ts'
import type { Conversation } from './conversation/conversation.ts'
import { type Receipt, Unconfirmed } from './convos/acks.ts'
import type { Command } from './convos/commands.ts'
import type { Driver } from './convos/driver.ts'
import type { Limits } from './limits.ts'
import type { LinkAction, LinkActionReply } from './link/actions.ts'

export interface ActionsOptions {
  binder: Binder
  driver: Driver
  conversation: Conversation
  /** Where the agent server keeps what is nobody's to send. */
  stateRoot: string
  limits: Limits
}

/** What engine and owner have the agent do in its conversation. Each waits until it is done, and says so when it was not. */
export class Actions {
  readonly #p: ActionsOptions

  constructor(p: ActionsOptions) {
    this.#p = p
  }

  /** @throws Problem as `LinkActionReply` lists them */
  async perform(action: LinkAction): Promise<LinkActionReply> {
    const { messageId } = await this.#perform(action)
    return { ok: true, messageId }
  }

  /** @throws Problem NOT_ATTACHED, ACTION_REFUSED, ACTION_UNCONFIRMED */
  async command(command: Command): Promise<Receipt> {
    this.#requireConversation()
    const { driver, limits } = this.#p
    const signal = AbortSignal.timeout(limits.actionMs)
    try {
      return await driver.act(command, signal)
    } catch (cause) {
      if (cause instanceof Unconfirmed && cause.isRefused)
        throw new Problem({ status: 422, code: 'ACTION_REFUSED', detail: `Convos refused: ${cause.message}`, cause })
      if (!signal.aborted && !(cause instanceof Unconfirmed)) throw cause
      throw new Problem({ status: 504, code: 'ACTION_UNCONFIRMED', detail: 'it is not known whether it was done', cause })
    }
  }

  /** Ends the conversation for everybody, now or at a time in the future. */
  async explode(at: Date | null): Promise<void> {
    await this.command({ type: 'explode', ...(at && { scheduled: at.toISOString() }) })
    this.#p.binder.ends(at)
  }

  /** The agent begins anew in the same conversation: what was said before is not known to it any more. */
  forget(): void {
    this.#requireConversation()
    this.#p.conversation.forget()
  }

  async #perform(action: LinkAction): Promise<Receipt> {
    switch (action.action) {
      case 'send': {
        this.#requireConversation()
        const { text, replyTo = null, id = randomUUID() } = action
        const signal = AbortSignal.timeout(this.#p.limits.actionMs)
        return { messageId: await this.#p.conversation.say({ id, text, replyTo }, signal) }
      }
      case 'react': {
        const { messageId, emoji, remove } = action
        return await this.command({ type: 'react', messageId, emoji, action: remove ? 'remove' : 'add' })
      }
      case 'attach': {
        const { path, remote, mimeType, replyTo } = action
        if (remote) return await this.command({ type: 'remote-attach', ...remote })
        return await this.command({ type: 'attach', file: this.#sendable(path ?? ''), mimeType, replyTo })
      }
      case 'typing':
        this.#requireConversation()
        this.#p.driver.whisper({ type: 'typing', isTyping: action.on })
        return { messageId: null }
      case 'rename':
        return await this.command({ type: 'rename', name: action.name })
      default:
        return await this.#updateProfile(action)
    }
  }

  async #updateProfile({ name, image, metadata }: Extract<LinkAction, { action: 'update-profile' }>): Promise<Receipt> {
    const receipt = await this.command({ type: 'update-profile', name, image, metadata })
    // so that the next start of the driver does not take the name back
    if (name !== undefined) this.#p.binder.callItself(name)
    return receipt
  }

  /** The file behind the path, unless it is missing, or one of those that hold keys. */
  #sendable(path: string): string {
    const invalid = (detail: string) => new Problem({ status: 422, code: 'ACTION_REFUSED', detail })
    let file: string
    try {
      file = realpathSync(path)
    } catch {
      throw invalid('there is no such file')
    }
    // of processes, their environment
    const kept = [realpathSync(this.#p.stateRoot) + sep, '/proc/']
    if (kept.some((place) => file.startsWith(place))) throw invalid('this file is not to be sent')
    return file
  }

  #requireConversation(): void {
    if (this.#p.binder.record?.state === 'active') return
    throw new Problem({ status: 409, code: 'NOT_ATTACHED', detail: 'this instance is in no conversation' })
  }
}
